import { MillraceError, type StartingPartition, type TopicPartitionOffset } from '@millrace/core'
import type { StoredOffset } from '../driver/driver.ts'
import type { PartitionProgress } from '../insert/partition-progress.ts'

/** A partition with offsets that are stored beside its rows. */
export interface StoredPart {
  readonly part: PartitionProgress
  readonly topicId: string | undefined
  /** By the database: everything below is stored, and nothing above. */
  stored: number
  /** Everything below was processed, and what came of it was handed over. */
  reached: number
  /**
   * Whether it is ours: `lost` if the database names another owner; `proving` while a commit of the group is under way that only its member can make; `proven`
   * when that went well: the other's claim came late, and is to be replaced.
   */
  claim: 'ours' | 'lost' | 'proving' | 'proven'
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

/** A partition with how far a transaction is to take it. */
export interface Move extends TopicPartitionOffset {
  readonly part: StoredPart
}

/** What is to be stored of partitions that have moved; `cuts`: where the rows that are to be stored end, of partitions of which some are left. */
export function movesOf(parts: Iterable<StoredPart>, cuts: ReadonlyMap<PartitionProgress, number>): Move[] {
  return [...parts].flatMap((part) => {
    const { topic, partition, closed } = part.part
    const offset = Math.min(part.reached, cuts.get(part.part) ?? Infinity)
    return closed || part.claim !== 'ours' || offset <= part.stored ? [] : [{ topic, partition, offset, part }]
  })
}
