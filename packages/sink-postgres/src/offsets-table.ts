import type { ClaimedPartition, OffsetOwner, StoredOffset } from '@millrace/bulk-sink'
import type { TopicPartition, TopicPartitionOffset } from '@millrace/core'
import { inTransaction } from './in-transaction.ts'
import type { Queryable } from './queryable.ts'

const TABLE = 'millrace_offsets'
/** A row for each partition of each sink of each application: two sinks of one topology share none. */
const CREATE = `create table if not exists ${TABLE} (
  application text not null, node text not null, topic text not null, partition int not null,
  topic_id text, next_offset bigint, owner text not null,
  primary key (application, node, topic, partition))`
// Of a topic that was deleted and created anew nothing is stored yet.
const CLAIM = `insert into ${TABLE} (application, node, topic, partition, topic_id, owner)
  select $1, $2, x.topic, x.partition, x.topic_id, $3 from unnest($4::text[], $5::int[], $6::text[]) as x(topic, partition, topic_id) order by 3, 4
  on conflict (application, node, topic, partition) do update set owner = excluded.owner,
    next_offset = case when ${TABLE}.topic_id <> excluded.topic_id then null else ${TABLE}.next_offset end,
    topic_id = coalesce(excluded.topic_id, ${TABLE}.topic_id)
  returning topic, partition, next_offset::text as offset`
const LOCK = `select topic, partition, next_offset::text as offset from ${TABLE}
  where application = $1 and node = $2 and owner = $3 and (topic, partition) in (select * from unnest($4::text[], $5::int[]))
  order by topic, partition for update`
const MOVE = `update ${TABLE} set next_offset = x.next_offset from unnest($4::text[], $5::int[], $6::bigint[]) as x(topic, partition, next_offset)
  where application = $1 and node = $2 and owner = $3 and ${TABLE}.topic = x.topic and ${TABLE}.partition = x.partition`

/** Creates the table, if it is not there; one at a time of all who begin at once. Where it is no right to create any is needed. */
export async function createOffsetsTable(client: Queryable): Promise<void> {
  const { rows } = await client.query({ text: `select to_regclass('${TABLE}') as found` })
  if ((rows[0] as { readonly found: string | null }).found !== null) return
  await inTransaction(client, async () => {
    await client.query({ text: `select pg_advisory_xact_lock(hashtext('${TABLE}'))` })
    await client.query({ text: CREATE })
  })
}

export async function claimOffsets(
  client: Queryable,
  owner: OffsetOwner,
  partitions: readonly ClaimedPartition[],
): Promise<StoredOffset[]> {
  const ids = partitions.map(({ topicId }) => topicId ?? null)
  return stored(await client.query({ text: CLAIM, values: [...valuesOf(owner, partitions), ids] }))
}

export async function lockOffsets(client: Queryable, owner: OffsetOwner, partitions: readonly TopicPartition[]): Promise<StoredOffset[]> {
  return stored(await client.query({ text: LOCK, values: valuesOf(owner, partitions) }))
}

export async function moveOffsets(client: Queryable, owner: OffsetOwner, offsets: readonly TopicPartitionOffset[]): Promise<void> {
  await client.query({ text: MOVE, values: [...valuesOf(owner, offsets), offsets.map(({ offset }) => offset)] })
}

function valuesOf({ applicationId, node, owner }: OffsetOwner, partitions: readonly TopicPartition[]): unknown[] {
  return [applicationId, node, owner, partitions.map(({ topic }) => topic), partitions.map(({ partition }) => partition)]
}

function stored({ rows }: { readonly rows: readonly unknown[] }): StoredOffset[] {
  return (rows as { topic: string; partition: number; offset: string | null }[]).map(({ offset, ...at }) => ({
    ...at,
    offset: offset === null ? undefined : Number(offset),
  }))
}
