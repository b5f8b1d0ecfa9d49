import { type Clock, MillraceError, partitionKey, type TransportAdmin } from '@millrace/core'
import { offsetsByPartition } from '../internal/offsets-by-partition.ts'
import { isOutdated } from './changelog-retention.ts'
import type { RestoreRange } from './restore-job.ts'
import type { ChangeloggedStore, TaskStores } from './task-stores.ts'

export interface RestoringTask {
  readonly id: string
  readonly stores: TaskStores
}

/**
 * Which changelog partitions hold something that their store has not got. Rejects for a store that was not written beside these changelogs; one
 * that the changelog can't bring up to date any more is set aside.
 */
export async function planRestore(tasks: readonly RestoringTask[], admin: TransportAdmin, clock: Clock): Promise<RestoreRange[]> {
  const plannedAt = clock.now()
  const all = tasks.flatMap(({ id, stores }) => stores.all.map((entry) => ({ task: id, stores, entry })))
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
    const to = endOf.get(key) ?? 0
    const id = ids.get(entry.topic)
    if (entry.topicId !== undefined && id !== undefined && entry.topicId !== id) throw anotherChangelog(task, entry)
    if (entry.position !== undefined && entry.position > to) throw storeAhead(task, entry, to)
    if (entry.position !== undefined && entry.position < begin) {
      // What was deleted or replaced in between can't be told any more.
      const missing = `it holds its changelog up to offset ${entry.position}, and what follows is gone: '${entry.topic}' begins at ${begin}`
      await stores.renew(entry, missing)
    }
    if (entry.position !== undefined && entry.position < to && isOutdated(entry.upToDateAt, plannedAt)) {
      await stores.renew(entry, `it is so old that '${entry.topic}' may have dropped deletions which it has not seen (delete.retention.ms)`)
    }
    entry.topicId ??= id
    const from = entry.position ?? begin
    // Deletions that the changelog has now are there long enough for what begins now, not for what goes on with an earlier restore.
    if (entry.position === undefined || from >= to) entry.upToDateAt = plannedAt
    if (from < to) ranges.push({ task, stores, entry, from, to, plannedAt })
    else entry.position = to
  }
  return ranges
}

function anotherChangelog(task: string, { definition, topic, partition, position }: ChangeloggedStore): MillraceError {
  return new MillraceError(
    'CHANGELOG_REPLACED',
    `The local state of store '${definition.name}' in task ${task} was written beside another topic of the name '${topic}': that was deleted and created ` +
      `anew, or this is another cluster. Move the state folder away if the topic is right.`,
    { stage: 'store', task, topic, partition, offset: position },
  )
}

function storeAhead(task: string, { definition, topic, partition, position }: ChangeloggedStore, end: number): MillraceError {
  return new MillraceError(
    'STORE_AHEAD',
    `The local state of store '${definition.name}' in task ${task} goes up to offset ${position} of ${topic}-${partition}, ` +
      `which ends at ${end}: the topic was deleted and created anew, or it is another cluster's. Move the state folder away if the topic is right.`,
    { stage: 'store', task, topic, partition, offset: position },
  )
}
