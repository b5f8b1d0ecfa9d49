import { MillraceError, partitionKey, type TransportAdmin } from '@millrace/core'
import { offsetsByPartition } from '../internal/offsets-by-partition.ts'
import type { RestoreJob } from './restore-job.ts'

/**
 * For changelogs that were read to an end before the one that was planned: rejects if one of them really ends there. It need not: records of a
 * transaction that is open can't be read yet.
 */
export async function checkNotTruncated(jobs: readonly RestoreJob[], admin: TransportAdmin): Promise<void> {
  if (jobs.length === 0) return
  const partitions = jobs.map(({ entry: { topic, partition } }) => ({ topic, partition }))
  const ends = await admin.endOffsets(partitions, 'read-uncommitted')
  const endOf = offsetsByPartition(ends)
  for (const { task, to, entry } of jobs) {
    const { definition, topic, partition } = entry
    const end = endOf.get(partitionKey(topic, partition))
    if (end === undefined || end >= to) continue
    throw new MillraceError(
      'CHANGELOG_TRUNCATED',
      `Changelog ${topic}-${partition} of store '${definition.name}' ended at offset ${to} when restoring began, and now ends at ${end}: the cluster has ` +
        `lost records (an unclean leader election?), and state with them. Start again to go on with what is left.`,
      { stage: 'store', task, topic, partition, offset: end },
    )
  }
}
