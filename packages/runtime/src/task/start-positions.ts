import {
  MillraceError,
  type OffsetCommit,
  partitionKey,
  type SourceNode,
  type StartAt,
  type TopicPartition,
  type TopicPartitionOffset,
  type TransportAdmin,
} from '@millrace/core'

/** Where to begin with partitions whose group has no committed offset: as their source says (repartition topics: at the first record). */
export async function resolveStarts(
  partitions: readonly (TopicPartition & { readonly source: SourceNode })[],
  committed: readonly OffsetCommit[],
  admin: TransportAdmin,
): Promise<TopicPartitionOffset[]> {
  const open = partitions.filter(
    ({ topic, partition }) => !committed.some((known) => known.topic === topic && known.partition === partition),
  )
  const byStart = new Map<string, { startAt: StartAt; partitions: TopicPartition[] }>()
  for (const { topic, partition, source } of open) {
    const { startAt } = source
    const key = startAt instanceof Date ? String(startAt.getTime()) : startAt
    const group = byStart.get(key)
    if (group === undefined) byStart.set(key, { startAt, partitions: [{ topic, partition }] })
    else group.partitions.push({ topic, partition })
  }
  const starts: TopicPartitionOffset[] = []
  for (const { startAt, partitions: group } of byStart.values()) {
    if (startAt instanceof Date) starts.push(...(await admin.offsetsForTimes(group, startAt.getTime())))
    else if (startAt === 'latest') starts.push(...(await admin.endOffsets(group, 'read-uncommitted')))
    else starts.push(...(await admin.beginningOffsets(group)))
  }
  return starts
}

/** The partition of a task. */
export function partitionOf(id: string): number {
  return Number(id.slice(id.indexOf('_') + 1))
}

/** Where reading of a partition begins, of `offsets` by partition. Throws `OFFSET_UNKNOWN` if that is not among them. */
export function positionOf(
  offsets: ReadonlyMap<string, TopicPartitionOffset>,
  { topic, partition }: TopicPartition,
  source: SourceNode,
): number {
  const known = offsets.get(partitionKey(topic, partition))
  if (known !== undefined) return known.offset
  throw new MillraceError(
    'OFFSET_UNKNOWN',
    `Where source '${source.name}' is to begin reading ${topic}-${partition} could not be found out.`,
    {
      stage: 'source',
      node: source.name,
      topic,
      partition,
    },
  )
}
