import { CODE } from '../errors/protocol-codes.ts'
import type { Cluster } from './cluster.ts'
import type { MetadataTopic } from './cluster-metadata.ts'

/**
 * What is answered of these topics. Brokers learn of a new topic one after another: of what one does not know the others are asked, so that a topic is missing only
 * where no broker knows it. Rejects with a `PackedError`.
 */
export async function askTopics(cluster: Cluster, names: readonly string[]): Promise<readonly MetadataTopic[]> {
  const answered = await cluster.topics([...names])
  const unknown = answered.flatMap(({ name, errorCode }) => (errorCode === CODE.unknownTopic && typeof name === 'string' ? [name] : []))
  if (unknown.length === 0) return answered
  // Who has only looked up topics so far knows no more than the addresses he was given.
  await cluster.refresh()
  if (cluster.metadata.brokers.size < 2) return answered
  const known = new Map<unknown, MetadataTopic>()
  for (const topic of await cluster.topicsOfAll(unknown)) {
    if (topic.errorCode !== CODE.unknownTopic) known.set(topic.name, topic)
  }
  return answered.map((topic) => known.get(topic.name) ?? topic)
}
