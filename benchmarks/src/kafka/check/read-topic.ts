import {
  type IsolationLevel,
  silentLogger,
  type TopicPartition,
  type TopicPartitionOffset,
  type Transport,
  type TransportAdmin,
} from '@millrace/core'
import { settledEndOffsets } from '@millrace/testing'
import { type OpenTopicReader, readerOf, type TopicBatch } from './topic-reader.ts'

/** Without a record that is yet to come. */
const LIMIT_MS = 120_000

export interface TopicReading {
  readonly transport: Transport
  /** Default: the transport reads. */
  readonly openReader?: OpenTopicReader
  readonly topic: string
  readonly partitions: number
  readonly isolation: IsolationLevel
}

/** What a topic held. */
export interface TopicEnd {
  readonly records: number
  /** Of each partition: records, and offsets that hold none, which ends of transactions are in a topic that is not compacted. */
  readonly partitions: readonly { readonly records: number; readonly gaps: number }[]
}

/** Programs that have ended have committed, but records of their last transactions may be hidden for a moment still. */
function endsOf(
  admin: TransportAdmin,
  partitions: readonly TopicPartition[],
  isolation: IsolationLevel,
): Promise<readonly TopicPartitionOffset[]> {
  return isolation === 'read-committed' ? settledEndOffsets(admin, partitions) : admin.endOffsets(partitions, isolation)
}

/** Shows every record that a topic holds now, each partition in order. */
export async function readTopic(
  { transport, openReader = readerOf(transport), topic, partitions, isolation }: TopicReading,
  look: (batch: TopicBatch) => void,
): Promise<TopicEnd> {
  const all = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
  await using admin = await transport.openAdmin({ logger: silentLogger })
  const begins = await admin.beginningOffsets(all)
  const ends = new Map((await endsOf(admin, all, isolation)).map(({ partition, offset }) => [partition, offset]))
  const open = new Set(begins.filter(({ partition, offset }) => offset < (ends.get(partition) ?? 0)).map(({ partition }) => partition))
  await using reader = await openReader(begins, isolation)
  const until = performance.now() + LIMIT_MS
  const counts = new Array<number>(partitions).fill(0)
  while (open.size > 0) {
    if (performance.now() > until) throw new Error(`'${topic}' could not be read to its end in ${LIMIT_MS / 1_000} s.`)
    const reached = await reader.poll((batch) => {
      counts[batch.partition]! += batch.length
      look(batch)
    })
    for (const { partition, offset } of reached) if (offset >= (ends.get(partition) ?? 0)) open.delete(partition)
  }
  return {
    records: counts.reduce((sum, count) => sum + count, 0),
    partitions: begins.map(({ partition, offset }) => {
      const records = counts[partition] as number
      return { records, gaps: (ends.get(partition) ?? 0) - offset - records }
    }),
  }
}
