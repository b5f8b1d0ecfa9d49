import { type ChangelogAsked, type ChangelogState, lookAtChangelogs } from '../store/restore-plan.ts'
import type { ChangeloggedStore } from '../store/changelogged-store.ts'

/** Looks at the changelogs of stores; undefined for those of which there is no topic, or no such partition. */
export async function lookAtExisting(
  stores: readonly ChangeloggedStore[],
  asked: ChangelogAsked,
): Promise<ReadonlyMap<ChangeloggedStore, ChangelogState | undefined>> {
  if (stores.length === 0) return new Map()
  const topics = await asked.admin.describeTopics([...new Set(stores.map(({ topic }) => topic))])
  const counts = new Map(topics.map(({ topic, partitions }) => [topic, partitions]))
  const existing = stores.filter(({ topic, partition }) => partition < (counts.get(topic) ?? 0))
  const states = await lookAtChangelogs(existing, asked)
  return new Map(stores.map((entry) => [entry, states.get(entry)]))
}
