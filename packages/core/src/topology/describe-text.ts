import type { SubTopology, TopicRef, TopologyNode } from './topology.ts'

/** Kafka Streams' text format (`TopologyDescription.toString()`), its uneven indent included, so that its tools read it. */
export function describeText(subTopologies: readonly SubTopology[]): string {
  const parts = subTopologies.map((one, i) => `${i === 0 ? '   ' : '  '}Sub-topology: ${one.index}\n${bySubtreeSize(one).map(describeNode).join('')}\n`)
  return `Topologies:\n${parts.join('')}`
}

function describeNode(node: TopologyNode): string {
  const children = names([...new Set(node.edges.map(({ child }) => child))])
  const parents = `      <-- ${names(node.parents)}\n`
  if (node.kind === 'source') return `    Source: ${node.name} (topics: ${describeTopics(node.topics)})\n      --> ${children}\n`
  if (node.kind === 'processor') return `    Processor: ${node.name} (stores: [${[...new Set(node.stores.map(({ name }) => name))].sort().join(', ')}])\n      --> ${children}\n${parents}`
  const topic = typeof node.topic === 'function' ? `extractor: ${node.topic.name === '' ? 'function' : node.topic.name}` : `topic: ${topicName(node.topic)}`
  return `    Sink: ${node.name} (${topic})\n${parents}`
}

function names(list: readonly string[]): string {
  return list.length === 0 ? 'none' : [...list].sort().join(', ')
}

function describeTopics(topics: readonly TopicRef[]): string {
  const patterns = topics.filter((ref) => ref.kind === 'pattern')
  if (patterns.length === topics.length) return patterns.map(topicName).join(', ')
  return `[${topics.map(topicName).sort().join(', ')}]`
}

export function topicName(ref: TopicRef): string {
  if (ref.kind === 'name') return ref.topic
  return ref.kind === 'pattern' ? ref.pattern.source : `${ref.name}-repartition`
}

/** Kafka Streams' order: nodes with more nodes below them first, then by name. */
function bySubtreeSize(subTopology: SubTopology): TopologyNode[] {
  const sizes = new Map<string, number>()
  for (const node of [...subTopology.nodes].reverse()) {
    sizes.set(node.name, node.edges.reduce((sum, { child }) => sum + (sizes.get(child) ?? 0), 1))
  }
  return [...subTopology.nodes].sort((a, b) => (sizes.get(b.name) as number) - (sizes.get(a.name) as number) || (a.name < b.name ? -1 : 1))
}
