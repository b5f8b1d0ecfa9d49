import { readsTopic, repartitionTopic, type Topology, type TopologyNode } from '@millrace/core'

/** A node in which records may fail, as it is named when they do. */
export interface FailurePlace {
  readonly stage: 'source' | 'process' | 'sink'
  readonly node: string
}

/** Where records may fail, before any has. */
export interface FailurePlaces {
  /** Topics that are read, as far as the topology names them. */
  readonly topics: readonly string[]
  /** Nodes that records of a topic may come to. */
  readonly of: (topic: string) => readonly FailurePlace[]
}

const STAGES = { source: 'source', processor: 'process', sink: 'sink', 'outside-sink': 'sink' } as const

export function failurePlaces({ nodes }: Topology, application: string): FailurePlaces {
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const sources = nodes.filter((node) => node.kind === 'source')
  const topics = sources.flatMap((source) =>
    source.topics.flatMap((ref) =>
      ref.kind === 'name' ? [ref.topic] : ref.kind === 'repartition' ? [repartitionTopic(application, ref.name)] : [],
    ),
  )
  return {
    topics: [...new Set(topics)],
    of: (topic) => {
      const source = sources.find((one) => readsTopic(one, topic, application))
      return source === undefined ? [] : below(source, byName).map(({ kind, name }) => ({ stage: STAGES[kind], node: name }))
    },
  }
}

/** A node and all that its records may come to. */
function below(first: TopologyNode, byName: ReadonlyMap<string, TopologyNode>): readonly TopologyNode[] {
  const found = new Set([first])
  for (const { edges } of found)
    for (const { child } of edges) {
      const node = byName.get(child)
      if (node !== undefined) found.add(node)
    }
  return [...found]
}
