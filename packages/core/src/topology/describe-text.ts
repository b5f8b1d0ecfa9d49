import { topicLabel } from './topic-label.ts'
import type { SinkNode, SourceNode, SubTopology, TopologyNode } from './topology.ts'

/** Kafka Streams' text format (`TopologyDescription.toString()`), so that its tools read it: hence the first line's odd indent. */
export function describeText(subTopologies: readonly SubTopology[]): string {
  return `Topologies:\n ${subTopologies.map((one) => `  ${describeSubTopology(one)}`).join('')}`
}

function describeSubTopology({ index, nodes }: SubTopology): string {
  const sizes = subtreeSizes(nodes)
  const bySize = (a: TopologyNode, b: TopologyNode): number =>
    (sizes.get(b.name) as number) - (sizes.get(a.name) as number) || compareNames(a.name, b.name)
  const order = new Map(nodes.toSorted(bySize).map(({ name }, place) => [name, place]))
  const listed = (names: readonly string[]): string =>
    names.length === 0 ? 'none' : names.toSorted((a, b) => (order.get(a) as number) - (order.get(b) as number)).join(', ')
  const lines = nodes.toSorted(bySize).map((node) => `    ${describeNode(node, listed)}\n`)
  return `Sub-topology: ${index}\n${lines.join('')}\n`
}

function describeNode(node: TopologyNode, listed: (names: readonly string[]) => string): string {
  const children = `      --> ${listed([...new Set(node.edges.map(({ child }) => child))])}`
  const parents = `      <-- ${listed(node.parents)}`
  if (node.kind === 'source') return `Source: ${node.name} (topics: ${topicsOf(node)})\n${children}`
  if (node.kind === 'sink') return `Sink: ${node.name} (${targetOf(node)})\n${parents}`
  if (node.kind === 'outside-sink') return `Sink: ${node.name} (outside)\n${parents}`
  const stores = node.stores.map(({ name }) => name).toSorted(compareNames)
  return `Processor: ${node.name} (stores: [${stores.join(', ')}])\n${children}\n${parents}`
}

/** Patterns stand without brackets, as in Kafka Streams, where a source has either names or one pattern. */
function topicsOf({ topics }: SourceNode): string {
  const labels = topics.map(topicLabel).toSorted(compareNames).join(', ')
  return topics.every(({ kind }) => kind === 'pattern') ? labels : `[${labels}]`
}

function targetOf({ topic }: SinkNode): string {
  return typeof topic === 'function' ? `extractor class: ${topic.name || 'anonymous'}` : `topic: ${topicLabel(topic)}`
}

/** How many nodes there are below each, itself included, a node counted once for each way to it. Nodes with more come first. */
function subtreeSizes(nodes: readonly TopologyNode[]): Map<string, number> {
  const sizes = new Map<string, number>()
  for (const { name, edges } of nodes.toReversed()) {
    const children = new Set(edges.map(({ child }) => child))
    let size = 1
    for (const child of children) size += sizes.get(child) as number
    sizes.set(name, size)
  }
  return sizes
}

/** By UTF-16 units, as Java compares. */
function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
