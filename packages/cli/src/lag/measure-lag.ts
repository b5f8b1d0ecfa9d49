import {
  type GroupDescription,
  type IsolationLevel,
  type OffsetCommit,
  partitionKey,
  type TopicPartition,
  type TopicPartitionOffset,
  type TransportAdmin,
} from '@millrace/core'

/** How far a group is in one partition. */
export interface LagRow extends TopicPartition {
  /** The next record that will be read; null where nothing is committed. */
  readonly committed: number | null
  /** The first record that is still there. */
  readonly start: number
  /** Behind the last record that the group may see. */
  readonly end: number
  /** Records from `committed` to `end`; null where nothing is committed. */
  readonly lag: number | null
  /** What is wrong: records between were deleted, or the topic is not the one that the offset was committed for. */
  readonly problem: 'records deleted' | 'beyond the end' | null
  /** Client id of the member that reads it. */
  readonly member: string | null
}

export interface LagReport {
  readonly group: string
  /** Undefined where the transport can't tell. */
  readonly state: string | undefined
  readonly members: number | undefined
  readonly totalLag: number
  /** Partitions of which nothing is committed. */
  readonly withoutOffset: number
  readonly partitions: readonly LagRow[]
  /** Topics that were asked for by name and don't exist. */
  readonly missing: readonly string[]
}

export interface LagQuestion {
  readonly group: string
  /** Undefined: all topics of which the group has committed an offset, or of which its members read. */
  readonly topics: readonly (string | RegExp)[] | undefined
  /** `read-committed`: ends are the last stable offsets. */
  readonly isolation: IsolationLevel
}

const ANY_TOPIC = /(?:)/

/** From committed offsets to ends, as they are now. */
export async function measureLag(admin: TransportAdmin, { group, topics, isolation }: LagQuestion): Promise<LagReport> {
  const [described, description] = await Promise.all([admin.describeTopics(topics ?? [ANY_TOPIC]), admin.describeGroup?.(group)])
  const all = described.flatMap(({ topic, partitions }) => Array.from({ length: partitions }, (_, partition) => ({ topic, partition })))
  const committed = byPartition(await admin.committedOffsets(group, all))
  const readers = readersOf(description)
  const asked = topics === undefined ? all.filter((at) => committed.has(keyOf(at)) || readers.has(keyOf(at))) : all
  // Offsets first: what is committed meanwhile can't be beyond an end that was asked for later, and what came of it, in another topic, is below that one's end.
  const [starts, ends] = await Promise.all([admin.beginningOffsets(asked), admin.endOffsets(asked, isolation)])
  const [startOf, endOf] = [byPartition(starts), byPartition(ends)]
  const partitions = asked
    .map((at) => {
      const key = keyOf(at)
      const [start, end] = [startOf.get(key)?.offset ?? 0, endOf.get(key)?.offset ?? 0]
      return { ...at, ...lagOf(committed.get(key)?.offset ?? null, start, end), start, end, member: readers.get(key) ?? null }
    })
    .toSorted((a, b) => (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition))
  const known = new Set(described.map(({ topic }) => topic))
  return {
    group,
    state: description?.state,
    members: description?.members.length,
    totalLag: partitions.reduce((sum, { lag }) => sum + (lag ?? 0), 0),
    withoutOffset: partitions.filter(({ lag }) => lag === null).length,
    partitions,
    missing: (topics ?? []).filter((topic) => typeof topic === 'string' && !known.has(topic)) as string[],
  }
}

function lagOf(committed: number | null, start: number, end: number): Pick<LagRow, 'committed' | 'lag' | 'problem'> {
  if (committed === null) return { committed, lag: null, problem: null }
  const problem = committed > end ? 'beyond the end' : committed < start ? 'records deleted' : null
  return { committed, lag: Math.max(0, end - committed), problem }
}

function readersOf(description: GroupDescription | undefined): ReadonlyMap<string, string> {
  return new Map((description?.members ?? []).flatMap(({ clientId, assigned }) => assigned.map((at) => [keyOf(at), clientId] as const)))
}

function keyOf({ topic, partition }: TopicPartition): string {
  return partitionKey(topic, partition)
}

function byPartition<T extends OffsetCommit | TopicPartitionOffset>(offsets: readonly T[]): ReadonlyMap<string, T> {
  return new Map(offsets.map((at) => [keyOf(at), at]))
}

/** Whether all that was asked for is there and no partition is further behind: what nobody knows may be as far behind as it likes. */
export function isWithin(report: LagReport, max: number): boolean {
  return report.partitions.length > 0 && report.missing.length === 0 && worstLag(report) <= max
}

/** The most that one partition is behind; of one without a committed offset, all that is in it. */
function worstLag({ partitions }: LagReport): number {
  return partitions.reduce((most, { lag, start, end }) => Math.max(most, lag ?? end - start), 0)
}
