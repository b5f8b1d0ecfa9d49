import type { TopicPartition } from '@millrace/core'
import { PackedError } from '../errors/packed-error.ts'
import { CODE } from '../errors/protocol-codes.ts'
import type { Cluster } from './cluster.ts'

/** Says which of these does not exist, where its topic does, and no broker that answers knows of so many partitions; undefined: each may. */
export async function missingPartition(cluster: Cluster, partitions: readonly TopicPartition[]): Promise<PackedError | undefined> {
  const { metadata } = cluster
  const beyond = partitions.filter(
    ({ topic, partition }) => metadata.codeOf(topic) === CODE.none && partition >= metadata.partitionsOf(topic),
  )
  if (beyond.length === 0) return undefined
  const counts = new Map<unknown, number>()
  for (const { name, errorCode, partitions: known } of await cluster.topicsOfAll([...new Set(beyond.map(({ topic }) => topic))])) {
    if (errorCode === CODE.none) counts.set(name, Math.max(counts.get(name) ?? 0, known.length))
  }
  const missing = beyond.find(({ topic, partition }) => partition >= (counts.get(topic) ?? Infinity))
  if (missing === undefined) return undefined
  const { topic, partition } = missing
  return new PackedError(`There is no ${topic}-${partition}: the partitions of the topic are 0 to ${(counts.get(topic) ?? 0) - 1}.`, {
    kind: 'unknown-topic',
    code: CODE.unknownTopic,
  })
}
