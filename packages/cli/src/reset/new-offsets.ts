import { type OffsetCommit, partitionKey, type TopicPartition, type TopicPartitionOffset, type TransportAdmin } from '@millrace/core'
import type { ResetTo } from './reset-to.ts'

/** What is to become of the offset of one partition. */
export interface OffsetChange extends TopicPartition {
  /** Null where nothing is committed. */
  readonly from: number | null
  /** Null where it is left as it is. */
  readonly to: number | null
}

/** The offsets that partitions are to have, each within what is there. Changes nothing. */
export async function newOffsets(
  admin: TransportAdmin,
  { group, partitions, to }: { readonly group: string; readonly partitions: readonly TopicPartition[]; readonly to: ResetTo },
): Promise<readonly OffsetChange[]> {
  if (partitions.length === 0) return []
  const [committed, starts, ends, found] = await Promise.all([
    admin.committedOffsets(group, partitions),
    admin.beginningOffsets(partitions),
    admin.endOffsets(partitions, 'read-uncommitted'),
    to.kind === 'time' ? admin.offsetsForTimes(partitions, to.ms) : [],
  ])
  const [committedAt, startAt, endAt, foundAt] = [committed, starts, ends, found].map(byPartition)
  return partitions.map((at) => {
    const key = partitionKey(at.topic, at.partition)
    const [start, end] = [startAt?.get(key) ?? 0, endAt?.get(key) ?? 0]
    const from = committedAt?.get(key) ?? null
    const wanted = wantedOffset(to, { key, from, start, end, found: foundAt?.get(key) })
    return { ...at, from, to: wanted === undefined ? null : Math.min(end, Math.max(start, wanted)) }
  })
}

interface Known {
  readonly key: string
  readonly from: number | null
  readonly start: number
  readonly end: number
  readonly found: number | undefined
}

function wantedOffset(to: ResetTo, { key, from, start, end, found }: Known): number | undefined {
  switch (to.kind) {
    case 'earliest':
      return start
    case 'latest':
      return end
    case 'time':
      return found ?? end
    case 'offset':
      return to.offset
    case 'shift':
      return from === null ? undefined : from + to.by
    case 'given':
      return to.offsets.get(key)
  }
}

function byPartition(offsets: readonly (OffsetCommit | TopicPartitionOffset)[]): ReadonlyMap<string, number> {
  return new Map(offsets.map(({ topic, partition, offset }) => [partitionKey(topic, partition), offset]))
}
