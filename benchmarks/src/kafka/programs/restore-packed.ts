import { bytesAt } from '@millrace/core'
import { PackedReader } from '@millrace/kafka-packed'
import { brokerAddresses } from '../check/topic-reader.ts'
import { READING_PACKED } from './client-settings.ts'
import { PartitionCounts } from './partition-counts.ts'
import type { ProgramConfig } from './program-config.ts'

const AT_ONCE = 10_000
const POLL_MS = 100

/** Opens the counts of these partitions with what their changelog says, read by the packed client. */
export async function restoredPacked(config: ProgramConfig, partitions: readonly number[]): Promise<PartitionCounts[]> {
  const counts = new Map<number, PartitionCounts>()
  for (const partition of partitions) counts.set(partition, await PartitionCounts.open(config.stateDir, partition))
  await using reader = await PackedReader.open({
    ...READING_PACKED,
    brokers: brokerAddresses(config.brokers),
    isolation: 'read-committed',
  })
  reader.assign(partitions.map((partition) => ({ topic: config.changelog, partition, offset: 0 })))
  for (const ended = new Set<number>(); ended.size < partitions.length;) {
    const { batches, ends, failures } = await reader.poll(AT_ONCE, POLL_MS)
    for (const { error } of failures) throw error
    for (const { partition, length, keys, values } of batches) {
      const records = Array.from({ length }, (_, row) => ({
        key: bytesAt(keys, row) as Buffer | null,
        value: bytesAt(values, row) as Buffer | null,
      }))
      await counts.get(partition)?.restore(records)
    }
    for (const { partition } of ends) ended.add(partition)
  }
  return [...counts.values()]
}
