import { setTimeout as sleep } from 'node:timers/promises'
import { type Message, openConsumer, promised } from './confluent.ts'
import type { ProgramConfig } from './program-config.ts'

const AT_ONCE = 10_000
const LOOK_MS = 2

/** Reads these partitions of a changelog to their ends, while the next records are on their way: `take` is given what one read brings. */
export async function readChangelog(
  { brokers, applicationId, changelog }: ProgramConfig,
  partitions: readonly number[],
  take: (messages: readonly Message[]) => Promise<void>,
): Promise<void> {
  const consumer = await openConsumer({ 'bootstrap.servers': brokers, 'group.id': applicationId, 'isolation.level': 'read_committed' })
  const ended = new Set<number>()
  consumer.on('partition.eof', ({ partition }) => ended.add(partition))
  const read = () => promised<readonly Message[]>((callback) => consumer.consume(AT_ONCE, callback))
  consumer.assign(partitions.map((partition) => ({ topic: changelog, partition, offset: 0 })))
  let reading = read()
  for (;;) {
    const messages = await reading
    const last = ended.size === partitions.length && messages.length === 0
    if (last) break
    reading = read()
    if (messages.length === 0) await sleep(LOOK_MS)
    else await take(messages)
  }
  await promised((callback) => consumer.disconnect(callback))
}
