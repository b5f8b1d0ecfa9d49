import { setTimeout as sleep } from 'node:timers/promises'
import { ClassicLevel } from 'classic-level'
import { type Message, openConsumer, promised } from './confluent.ts'
import type { ProgramConfig } from './program-config.ts'
import { Stopwatch } from './stopwatch.ts'
import { writeState } from './write-state.ts'

const AT_ONCE = 10_000
const LOOK_MS = 2

/** Reads a changelog to its end into LevelDB, a batch for what each read brings, while the next is under way. */
export async function restoreByHand(config: ProgramConfig): Promise<void> {
  const { brokers, applicationId, changelog, partitions, stateDir, stateFile } = config
  const stopwatch = new Stopwatch(config)
  const database = new ClassicLevel<Buffer, Buffer>(stateDir, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  const consumer = await openConsumer({ 'bootstrap.servers': brokers, 'group.id': applicationId, 'isolation.level': 'read_committed' })
  const ended = new Set<number>()
  consumer.on('partition.eof', ({ partition }) => ended.add(partition))
  const read = () => promised<readonly Message[]>((callback) => consumer.consume(AT_ONCE, callback))
  consumer.assign(Array.from({ length: partitions }, (_, partition) => ({ topic: changelog, partition, offset: 0 })))
  stopwatch.read()
  let reading = read()
  for (;;) {
    const messages = await reading
    const last = ended.size === partitions && messages.length === 0
    if (last) break
    reading = read()
    if (messages.length === 0) {
      await sleep(LOOK_MS)
      continue
    }
    const batch = database.batch()
    for (const { key, value } of messages) batch.put(key as Buffer, value as Buffer)
    await batch.write()
  }
  stopwatch.done()
  await promised((callback) => consumer.disconnect(callback))
  await writeState(stateFile, entriesOf(database))
  await database.close()
}

async function* entriesOf(database: ClassicLevel<Buffer, Buffer>): AsyncGenerator<readonly [string, number]> {
  for await (const [key, value] of database.iterator()) yield [key.toString('utf8'), Number(value.readBigInt64BE())]
}
