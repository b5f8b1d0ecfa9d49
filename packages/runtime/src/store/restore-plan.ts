import { partitionKey } from '@millrace/core'
import { asLongAsWanted } from '../internal/as-long-as-wanted.ts'
import { offsetsByPartition } from '../internal/offsets-by-partition.ts'
import type { TaskEnvironment } from '../task/task-environment.ts'
import { isOutdated } from './changelog-retention.ts'
import type { RestoreRange } from './restore-job.ts'
import type { ChangeloggedStore } from './changelogged-store.ts'
import type { TaskStores } from './task-stores.ts'

/** Input topics are others': they are taken to have Kafka's default `delete.retention.ms`. */
const INPUT_DELETE_RETENTION_MS = 86_400_000

export interface RestoringTask {
  readonly id: string
  readonly stores: TaskStores
}

/** One partition of a changelog, as it was when it was looked up. */
export interface ChangelogState {
  /** The first offset that can be read. */
  readonly begin: number
  /** The offset of the next record, be it of a transaction that is open. */
  readonly end: number
  /** The topic's, where topics have ids. */
  readonly id: string | undefined
  /** When it was asked for, milliseconds since the epoch. */
  readonly at: number
  /** For how long compaction leaves deletions there, in milliseconds; undefined where that is not known. */
  readonly deletionsMs: number | undefined
}

/** Who is asked for the state of changelogs. */
export type ChangelogAsked = Pick<TaskEnvironment, 'admin' | 'clock' | 'deletionRetentions'>

/** Looks up what is there of the changelogs of some stores. Rejects, if one of their topics is missing, with what the transport says. */
export async function lookAtChangelogs(
  stores: readonly ChangeloggedStore[],
  { admin, clock, deletionRetentions }: ChangelogAsked,
): Promise<ReadonlyMap<ChangeloggedStore, ChangelogState>> {
  const at = clock.now()
  if (stores.length === 0) return new Map()
  const partitions = stores.map(({ topic, partition }) => ({ topic, partition }))
  const [begins, ends, topics] = await Promise.all([
    admin.beginningOffsets(partitions),
    admin.endOffsets(partitions, 'read-uncommitted'),
    admin.describeTopics([...new Set(partitions.map(({ topic }) => topic))]),
  ])
  const [beginOf, endOf] = [offsetsByPartition(begins), offsetsByPartition(ends)]
  const ids = new Map(topics.map(({ topic, id }) => [topic, id]))
  return new Map(
    stores.map((entry) => {
      const key = partitionKey(entry.topic, entry.partition)
      const deletionsMs = deletionRetentions.get(entry.topic) ?? (entry.kind === 'source' ? INPUT_DELETE_RETENTION_MS : undefined)
      return [entry, { begin: beginOf.get(key) ?? 0, end: endOf.get(key) ?? 0, id: ids.get(entry.topic), at, deletionsMs }]
    }),
  )
}

/**
 * Which changelog partitions hold something that their store has not got. A store that was not written beside these changelogs, or that they can't
 * bring up to date any more, is set aside. Rejects as soon as `signal` is aborted while changelogs are looked at.
 */
export async function planRestore(tasks: readonly RestoringTask[], asked: ChangelogAsked, signal: AbortSignal): Promise<RestoreRange[]> {
  const looking = lookAtChangelogs(
    tasks.flatMap(({ stores }) => stores.restorable),
    asked,
  )
  const states = await asLongAsWanted(looking, signal)
  const ranges: RestoreRange[] = []
  for (const { id: task, stores } of tasks) {
    for (const entry of stores.restorable) {
      const state = states.get(entry) as ChangelogState
      // Of an input topic, what is behind the committed offset is yet to be processed.
      const committed = stores.inputs.offsets[partitionKey(entry.topic, entry.partition)] ?? state.begin
      const to = entry.kind === 'source' ? Math.min(state.end, committed) : state.end
      const from = await prepareStore(stores, entry, state)
      if (from < to) ranges.push({ task, stores, entry, from, to, plannedAt: state.at })
      else entry.position = to
    }
  }
  return ranges
}

/** Sets a store aside if its changelog can't bring it up to date; returns where reading begins. Nobody may be writing to it. */
export async function prepareStore(stores: TaskStores, entry: ChangeloggedStore, state: ChangelogState): Promise<number> {
  const unusable = whyUnusable(entry, state)
  if (unusable !== undefined) await stores.renew(entry, unusable)
  entry.topicId ??= state.id
  const from = entry.position ?? state.begin
  // Deletions that the changelog has now are there long enough for what begins now, not for what goes on with an earlier restore.
  if (entry.position === undefined || from >= state.end) entry.upToDateAt = state.at
  return from
}

/** Why the changelog can't bring up to date what a store holds, if it can't. */
export function whyUnusable(
  { topic, topicId, position, upToDateAt }: ChangeloggedStore,
  { begin, end, id, at, deletionsMs }: ChangelogState,
): string | undefined {
  if (position === undefined) return undefined
  if (topicId !== undefined && id !== undefined && topicId !== id)
    return `it was written beside another topic of the name '${topic}', which was deleted and created anew, or this is another cluster`
  if (position > end)
    return `it holds its changelog up to offset ${position}, and '${topic}' ends at ${end}: that was deleted and created anew, or it is another cluster's`
  // What was deleted or replaced in between can't be told any more.
  if (position < begin) return `it holds its changelog up to offset ${position}, and what follows is gone: '${topic}' begins at ${begin}`
  if (position < end && isOutdated(upToDateAt, at, deletionsMs))
    return `it is so old that '${topic}' may have dropped deletions which it has not seen (delete.retention.ms)`
  return undefined
}
