import type { Message } from './confluent.ts'
import { allEntries, PartitionCounts } from './partition-counts.ts'
import type { ProgramConfig } from './program-config.ts'
import { readChangelog } from './read-changelog.ts'
import { Stopwatch } from './stopwatch.ts'
import { writeState } from './write-state.ts'

/** Opens the counts of these partitions, with what their changelog says: one LevelDB batch for what each read brings to a partition. */
export async function restoredCounts(config: ProgramConfig, partitions: readonly number[]): Promise<PartitionCounts[]> {
  const counts: PartitionCounts[] = []
  for (const partition of partitions) counts.push(await PartitionCounts.open(config.stateDir, partition))
  await readChangelog(config, partitions, async (messages) => {
    const records = byPartition(messages)
    await Promise.all(counts.map((one) => one.restore(records.get(one.partition) ?? [])))
  })
  return counts
}

/** What is timed is a whole restore. */
export async function restoreByHand(config: ProgramConfig): Promise<void> {
  const stopwatch = new Stopwatch(config)
  stopwatch.read()
  const partitions = Array.from({ length: config.partitions }, (_, partition) => partition)
  const counts = await restoredCounts(config, partitions)
  stopwatch.done()
  await writeState(config.stateFile, allEntries(counts))
  for (const one of counts) await one.close()
}

function byPartition(messages: readonly Message[]): ReadonlyMap<number, readonly Message[]> {
  const all = new Map<number, Message[]>()
  for (const message of messages) {
    const own = all.get(message.partition)
    if (own === undefined) all.set(message.partition, [message])
    else own.push(message)
  }
  return all
}
