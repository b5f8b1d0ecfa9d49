import type { ClusterMetadata } from '../cluster/cluster-metadata.ts'
import { CODE, mayPass, refusal } from '../errors/protocol-codes.ts'
import type { Subscription } from './consumer-protocol.ts'

/** How many partitions a topic has, as far as a broker would say: 0 where there is no such topic; undefined: it can't tell now. */
export function partitionCount(metadata: ClusterMetadata, topic: string): number | undefined {
  const code = metadata.codeOf(topic)
  if (code === CODE.none) return metadata.partitionsOf(topic)
  if (code === undefined || (code !== CODE.unknownTopic && mayPass(refusal(code, 'describe a topic')))) return undefined
  return 0
}

/**
 * Of all topics that members have subscribed to. One that a broker can't tell of now keeps what it was known to have, or what members have of it: nobody is to
 * give up what is only in between leaders.
 */
export function partitionCounts(
  members: readonly Pick<Subscription, 'topics' | 'owned'>[],
  metadata: ClusterMetadata,
): ReadonlyMap<string, number> {
  const owned = new Map<string, number>()
  for (const { topic, partition } of members.flatMap((member) => member.owned))
    owned.set(topic, Math.max(owned.get(topic) ?? 0, partition + 1))
  const topics = new Set(members.flatMap((member) => member.topics))
  const countOf = (topic: string): number =>
    partitionCount(metadata, topic) ?? Math.max(metadata.partitionsOf(topic), owned.get(topic) ?? 0)
  return new Map([...topics].map((topic) => [topic, countOf(topic)]))
}
