import { repartitionTopic, type TopicRef, type Topology, type TopologyNode } from '@millrace/core'
import { applicationTopics } from '@millrace/runtime'

/** A topology as data: nodes with their children, by sub-topology. */
export function topologyJson(topology: Topology, applicationId: string): object {
  const { name, subTopologies } = topology
  const { changelogs } = applicationTopics(topology, applicationId)
  return {
    name,
    applicationId,
    subTopologies: subTopologies.map(({ index, nodes, stores, singleRecord }) => ({
      index,
      nodes: nodes.map((node) => nodeJson(node, applicationId)),
      stores: stores.map((store) => ({
        name: store.name,
        shape: store.shape,
        changelog: changelogs.get(store.name) ?? sourceTopicOf(store),
      })),
      ...(singleRecord !== undefined && { singleRecord }),
    })),
  }
}

/** Of a store that has no changelog of its own: the input topic that stands in for it, or nothing. */
function sourceTopicOf({ changelog }: Topology['stores'][number]): string | null {
  return changelog === false ? null : (changelog?.sourceTopic ?? null)
}

function nodeJson(node: TopologyNode, applicationId: string): object {
  const { name, kind, edges, parents } = node
  const children = edges.map(({ output, child }) => (output === '' ? { node: child } : { node: child, output }))
  const common = { name, kind, parents, children }
  if (node.kind === 'source') return { ...common, topics: node.topics.map((ref) => topicName(ref, applicationId)), startAt: node.startAt }
  if (node.kind === 'processor') return { ...common, stores: node.stores.map((store) => store.name) }
  if (node.kind === 'outside-sink') return common
  return { ...common, topic: typeof node.topic === 'function' ? null : topicName(node.topic, applicationId) }
}

/** A name, or a pattern between slashes. */
function topicName(ref: TopicRef, applicationId: string): string {
  if (ref.kind === 'pattern') return String(ref.pattern)
  return ref.kind === 'name' ? ref.topic : repartitionTopic(applicationId, ref.name)
}
