import { MillraceError, type StartingPartition, type TopicPartitionOffset } from '@millrace/core'
import type { StoredOffset } from '../driver/driver.ts'
import type { PartitionProgress } from '../insert/partition-progress.ts'

/** A partition with offsets that are stored beside its rows. */
export interface StoredPart {
  readonly part: PartitionProgress
  /** By the database: everything below is stored, and nothing above. */
  stored: number
  /** Everything below was processed, and what came of it was handed over. */
  reached: number
  /** It has another owner by now. */
  fenced: boolean
}

/** Where a partition is, by what the database says; throws if that can't be reconciled with the log. */
export function startOf(
  node: string,
  { topic, partition, offset, begin, end }: StartingPartition,
  known: StoredOffset | undefined,
): number {
  const stored = known?.offset
  if (stored === undefined || (stored >= offset && stored >= begin && stored <= end)) return stored ?? offset
  const at = { stage: 'sink', node, topic, partition, offset: stored } as const
  const says = `The database of sink '${node}' has stored ${topic}-${partition} up to offset ${stored}`
  if (stored > end)
    throw new MillraceError(
      'STORED_OFFSET_BEYOND_END',
      `${says}, but the topic ends at ${end}: it was deleted and created anew, or is another cluster's. Delete the row of that partition in millrace_offsets, ` +
        'if the rows that are stored are to stay, or give the application another id.',
      at,
    )
  if (stored < begin)
    throw new MillraceError(
      'STORED_OFFSET_GONE',
      `${says}, but the topic begins at ${begin}: the records between were deleted before they were stored. Set next_offset in millrace_offsets to ${begin}, if ` +
        'they may be missed.',
      at,
    )
  throw new MillraceError(
    'STORED_OFFSET_BEHIND',
    `${says}, but the group has committed ${offset}: the database is older than that. Set the group's offset of the partition to ${stored}, so that the rows ` +
      'between are made again.',
    at,
  )
}

/** What is to be stored of partitions that have moved. */
export function movesOf(parts: Iterable<StoredPart>): (TopicPartitionOffset & { readonly part: StoredPart })[] {
  return [...parts].flatMap((part) => {
    const { topic, partition, closed } = part.part
    return closed || part.fenced || part.reached <= part.stored ? [] : [{ topic, partition, offset: part.reached, part }]
  })
}
