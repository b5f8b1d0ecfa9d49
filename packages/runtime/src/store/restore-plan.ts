import { partitionKey } from '@millrace/core'
import { offsetsByPartition } from '../internal/offsets-by-partition.ts'
import type { TaskEnvironment } from '../task/task-environment.ts'
import { isOutdated } from './changelog-retention.ts'
import type { RestoreRange } from './restore-job.ts'
import type { ChangeloggedStore, TaskStores } from './task-stores.ts'

/** Input topics are others': they are taken to have Kafka's default `delete.retention.ms`. */
const INPUT_DELETE_RETENTION_MS = 86_400_000

export interface RestoringTask {
  readonly id: string
  readonly stores: TaskStores
}

/**
 * Which changelog partitions hold something that their store has not got. A store that was not written beside these changelogs, or that they can't
 * bring up to date any more, is set aside.
 */
export async function planRestore(
  tasks: readonly RestoringTask[],
  { admin, clock, deletionRetentions }: Pick<TaskEnvironment, 'admin' | 'clock' | 'deletionRetentions'>,
): Promise<RestoreRange[]> {
  const plannedAt = clock.now()
  const all = tasks.flatMap(({ id, stores }) => stores.restorable.map((entry) => ({ task: id, stores, entry })))
  if (all.length === 0) return []
  const partitions = all.map(({ entry }) => ({ topic: entry.topic, partition: entry.partition }))
  const [begins, ends, topics] = await Promise.all([
    admin.beginningOffsets(partitions),
    admin.endOffsets(partitions, 'read-uncommitted'),
    admin.describeTopics([...new Set(partitions.map(({ topic }) => topic))]),
  ])
  const [beginOf, endOf] = [offsetsByPartition(begins), offsetsByPartition(ends)]
  const ids = new Map(topics.map(({ topic, id }) => [topic, id]))
  const ranges: RestoreRange[] = []
  for (const { task, stores, entry } of all) {
    const key = partitionKey(entry.topic, entry.partition)
    const begin = beginOf.get(key) ?? 0
    const end = endOf.get(key) ?? 0
    const id = ids.get(entry.topic)
    const unusable = whyUnusable(entry, {
      begin,
      end,
      id,
      plannedAt,
      retentionMs: deletionRetentions.get(entry.topic) ?? (entry.kind === 'source' ? INPUT_DELETE_RETENTION_MS : undefined),
    })
    if (unusable !== undefined) await stores.renew(entry, unusable)
    entry.topicId ??= id
    // Of an input topic, what is behind the committed offset is yet to be processed.
    const to = entry.kind === 'source' ? Math.min(end, stores.committedOffset(key) ?? begin) : end
    const from = entry.position ?? begin
    // Deletions that the changelog has now are there long enough for what begins now, not for what goes on with an earlier restore.
    if (entry.position === undefined || from >= to) entry.upToDateAt = plannedAt
    if (from < to) ranges.push({ task, stores, entry, from, to, plannedAt })
    else entry.position = to
  }
  return ranges
}

/** Why the changelog can't bring up to date what a store holds on disk, if it can't. */
function whyUnusable(
  { topic, topicId, position, upToDateAt }: ChangeloggedStore,
  {
    begin,
    end,
    id,
    plannedAt,
    retentionMs,
  }: { begin: number; end: number; id: string | undefined; plannedAt: number; retentionMs: number | undefined },
): string | undefined {
  if (position === undefined) return undefined
  if (topicId !== undefined && id !== undefined && topicId !== id)
    return `it was written beside another topic of the name '${topic}', which was deleted and created anew, or this is another cluster`
  if (position > end)
    return `it holds its changelog up to offset ${position}, and '${topic}' ends at ${end}: that was deleted and created anew, or it is another cluster's`
  // What was deleted or replaced in between can't be told any more.
  if (position < begin) return `it holds its changelog up to offset ${position}, and what follows is gone: '${topic}' begins at ${begin}`
  if (position < end && isOutdated(upToDateAt, plannedAt, retentionMs))
    return `it is so old that '${topic}' may have dropped deletions which it has not seen (delete.retention.ms)`
  return undefined
}
