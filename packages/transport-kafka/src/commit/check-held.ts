import { MillraceError, type OffsetCommit } from '@millrace/core'
import type { ReadPartitions } from '../source/read-partition.ts'

/**
 * Refuses offsets of partitions that are not held any more. The broker would not: it checks whether the member is one of the present generation,
 * and a member that was put out of its group has joined again within milliseconds. By then the offset may be the next owner's to commit.
 */
export function checkHeld(partitions: ReadPartitions, offsets: readonly OffsetCommit[]): void {
  for (const { topic, partition, offset } of offsets) {
    const read = partitions.get({ topic, partition })
    if (read !== undefined && !read.gone) continue
    const message = `Offset ${offset} of ${topic}-${partition} was not committed: the partition is not assigned to this member of the group.`
    throw new MillraceError('COMMIT_REFUSED', message, { stage: 'commit', topic, partition, offset })
  }
}
