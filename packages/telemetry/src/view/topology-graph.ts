import { repartitionTopic, type Topology, type TopologyNode } from '@millrace/core'

/** A topology as plain data. */
export interface TopologyGraph {
  readonly name: string
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly { readonly from: string; readonly to: string; readonly output: string }[]
  readonly stores: readonly string[]
}

export interface GraphNode {
  readonly name: string
  readonly kind: TopologyNode['kind']
  readonly subTopology: number
  /** What a source reads, or a sink writes; none where a sink chooses for each record. */
  readonly topics: readonly string[]
  readonly stores: readonly string[]
}

export function topologyGraph({ name, nodes, subTopologies, stores }: Topology, application: string): TopologyGraph {
  const places = new Map(subTopologies.flatMap(({ index, nodes: own }) => own.map((node) => [node.name, index] as const)))
  return {
    name,
    nodes: nodes.map((node) => ({
      name: node.name,
      kind: node.kind,
      subTopology: places.get(node.name) ?? 0,
      topics: topicsOf(node, application),
      stores: node.kind === 'processor' ? node.stores.map((store) => store.name) : [],
    })),
    edges: nodes.flatMap((node) => node.edges.map(({ output, child }) => ({ from: node.name, to: child, output }))),
    stores: stores.map((store) => store.name),
  }
}

function topicsOf(node: TopologyNode, application: string): string[] {
  if (node.kind === 'processor' || node.kind === 'outside-sink') return []
  const refs = node.kind === 'source' ? node.topics : typeof node.topic === 'function' ? [] : [node.topic]
  return refs.map((ref) => {
    if (ref.kind === 'name') return ref.topic
    return ref.kind === 'pattern' ? `/${ref.pattern.source}/` : repartitionTopic(application, ref.name)
  })
}
