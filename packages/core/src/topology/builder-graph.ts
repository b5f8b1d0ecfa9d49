import type { BatchPolicy } from '../batch/batch-policy.ts'
import type { Serde } from '../serde/serde.ts'
import type { StartAt } from '../source/start-at.ts'
import type { TimestampExtractor } from '../source/timestamp-extractor.ts'
import type { RepartitionOptions, SinkOptions } from './stream.ts'
import type { ProcessorNode, SinkNode, SourceNode, TopicRef, TopologyNode } from './topology.ts'

export interface SourceOptions<K, V> {
  /** Topic names or patterns; each topic belongs to one source only. */
  readonly topics: readonly (string | RegExp)[]
  readonly key: Serde<K>
  readonly value: Serde<V>
  /** Where to begin without a committed offset. Default: `earliest`. */
  readonly startAt?: StartAt | undefined
  /** Default: the record's own timestamp. */
  readonly timestamp?: TimestampExtractor<K, V> | undefined
  /** What differs from the application's batch policy. */
  readonly batch?: Partial<BatchPolicy> | undefined
}

type Unlinked<Node> = Omit<Node, 'edges' | 'parents'>
export type UnlinkedNode = Unlinked<SourceNode> | Unlinked<ProcessorNode> | Unlinked<SinkNode>

/** An edge as it was asked for: the nodes need not exist yet. */
export interface Link {
  readonly parent: string
  readonly child: string
  readonly output: string
}

/** What the handles of one builder have added so far, unchecked. */
export class BuilderGraph {
  /** In the order in which they were added; names may repeat. */
  readonly nodes: UnlinkedNode[] = []
  readonly links: Link[] = []

  addSource(name: string, options: SourceOptions<unknown, unknown>): void {
    const topics = (Array.isArray(options?.topics) ? options.topics : []).map(
      (topic: string | RegExp): TopicRef => (topic instanceof RegExp ? { kind: 'pattern', pattern: topic } : { kind: 'name', topic }),
    )
    const { key, value, startAt = 'earliest', timestamp, batch = {} } = options ?? {}
    this.nodes.push({ kind: 'source', name, topics, key, value, startAt, timestamp, batch })
  }

  addProcessor(name: string, parts: Pick<ProcessorNode, 'create' | 'stores' | 'outputs'>): void {
    this.nodes.push({ kind: 'processor', name, ...parts })
  }

  addSink(name: string, options: SinkOptions<unknown, unknown, unknown, unknown>): void {
    const { topic, key, value, partitioner } = options ?? {}
    this.nodes.push({ kind: 'sink', name, topic: typeof topic === 'function' ? topic : { kind: 'name', topic }, key, value, partitioner })
  }

  /** A sink `<name>-sink` and a source `name` on one internal topic. */
  addRepartition(name: string, options: RepartitionOptions<unknown, unknown>): void {
    const { key, value, partitions } = options ?? {}
    const topic: TopicRef = { kind: 'repartition', name, partitions }
    this.nodes.push({ kind: 'sink', name: `${name}-sink`, topic, key, value, partitioner: undefined })
    this.nodes.push({ kind: 'source', name, topics: [topic], key, value, startAt: 'earliest', timestamp: undefined, batch: {} })
  }

  connect(parent: string, child: string, output: string): void {
    this.links.push({ parent, child, output })
  }

  /** The nodes with their edges. Of nodes with one name the first counts; links to names that don't exist are left out. */
  linked(): TopologyNode[] {
    const byName = new Map<string, UnlinkedNode>()
    for (const node of this.nodes) if (!byName.has(node.name)) byName.set(node.name, node)
    const known = this.links.filter(({ parent, child }) => byName.has(parent) && byName.has(child))
    return [...byName.values()].map((node) => ({
      ...node,
      edges: known.filter(({ parent }) => parent === node.name).map(({ child, output }) => ({ child, output })),
      parents: [...new Set(known.filter(({ child }) => child === node.name).map(({ parent }) => parent))],
    }))
  }
}
