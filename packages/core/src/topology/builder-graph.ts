import type { SourceBatchOptions } from '../batch/batch-options.ts'
import { definedOnly } from '../internal/defined-only.ts'
import type { AnyStoreDefinition } from '../store/store-definition.ts'
import type { RepartitionOptions } from './repartition-options.ts'
import type { SinkOptions } from './sink-options.ts'
import type { SourceOptions } from './source-options.ts'
import type { OutsideSink } from '../sink/outside-sink.ts'
import type { OutsideSinkNode, ProcessorNode, SinkNode, SourceNode, TopicRef, TopologyNode } from './topology.ts'

type Unlinked<Node> = Omit<Node, 'edges' | 'parents'>

/** A node as it was added, not connected yet. */
export type UnlinkedNode = Unlinked<SourceNode> | Unlinked<ProcessorNode> | Unlinked<SinkNode> | Unlinked<OutsideSinkNode>

/** An edge as it was asked for: the nodes need not exist yet. */
export interface Link {
  readonly parent: string
  readonly child: string
  readonly output: string
}

/** A store that was added by itself, with the nodes that are to use it. */
export interface StoreLink {
  readonly store: AnyStoreDefinition
  readonly nodes: readonly string[]
}

/**
 * What the handles of one builder have added so far. Nothing is checked here, so that all problems are found together; arrays are copied, so
 * that nothing of the caller's is frozen or changes later.
 */
export class BuilderGraph {
  /** In the order in which they were added; names may repeat. */
  readonly nodes: UnlinkedNode[] = []
  readonly links: Link[] = []
  readonly storeLinks: StoreLink[] = []
  /** What is wrong in a way that nodes and links can't show. */
  readonly problems: string[] = []

  addSource(name: string, options: SourceOptions<unknown, unknown> | undefined): void {
    const { key, value, startAt = 'earliest', timestamp, batch } = options ?? ({} as SourceOptions<unknown, unknown>)
    this.nodes.push({
      kind: 'source',
      name,
      topics: listOf(options?.topics).map(topicRef),
      key,
      value,
      startAt: startAt instanceof Date ? new Date(startAt) : startAt,
      timestamp,
      batch: ownOptions(batch),
    })
  }

  addProcessor(name: string, parts: Pick<ProcessorNode, 'create' | 'stores' | 'outputs' | 'concurrency'>): void {
    const { create, stores, outputs, concurrency } = parts
    // What is no list is kept as it is, to be found with all problems.
    this.nodes.push({ kind: 'processor', name, create, stores: isList(stores) ? [...stores] : stores, outputs, concurrency })
  }

  addSink(name: string, options: SinkOptions<unknown, unknown, unknown, unknown> | undefined): void {
    const { topic, key, value, partitioner } = options ?? ({} as SinkOptions<unknown, unknown, unknown, unknown>)
    const target = typeof topic === 'function' ? topic : ({ kind: 'name', topic } as const)
    this.nodes.push({ kind: 'sink', name, topic: target, key, value, partitioner })
  }

  addOutsideSink(name: string, sink: OutsideSink<unknown, unknown>): void {
    this.nodes.push({ kind: 'outside-sink', name, sink })
  }

  /** A sink `<name>-sink` and a source `<name>` on one internal topic. Returns the name of the sink. */
  addRepartition(name: string, options: RepartitionOptions<unknown, unknown> | undefined): string {
    const { key, value, partitions } = options ?? ({} as RepartitionOptions<unknown, unknown>)
    const topic: TopicRef = { kind: 'repartition', name, partitions }
    const sink = `${name}-sink`
    this.nodes.push({ kind: 'sink', name: sink, topic, key, value, partitioner: undefined })
    this.nodes.push({ kind: 'source', name, topics: [topic], key, value, startAt: 'earliest', timestamp: undefined, batch: {} })
    return sink
  }

  addStore(store: AnyStoreDefinition, nodes: readonly string[]): void {
    this.storeLinks.push({ store, nodes: [...nodes] })
  }

  connect(parent: string, child: string, output: string): void {
    this.links.push({ parent, child, output })
  }

  /** The nodes with their edges and stores. Of nodes with one name the first counts; links to names that don't exist are left out. */
  linked(): TopologyNode[] {
    const byName = new Map<string, UnlinkedNode>()
    for (const node of this.nodes) if (!byName.has(node.name)) byName.set(node.name, node)
    const links = this.links.filter(({ parent, child }) => byName.has(parent) && byName.has(child))
    return [...byName.values()].map((node): TopologyNode => {
      const edges = links.filter(({ parent }) => parent === node.name).map(({ child, output }) => ({ output, child }))
      const parents = [...new Set(links.filter(({ child }) => child === node.name).map(({ parent }) => parent))]
      return node.kind === 'processor' ? { ...node, stores: this.#storesOf(node), edges, parents } : { ...node, edges, parents }
    })
  }

  #storesOf(node: Unlinked<ProcessorNode>): AnyStoreDefinition[] {
    const added = this.storeLinks.filter(({ nodes }) => nodes.includes(node.name)).map(({ store }) => store)
    return [...new Set([...listOf(node.stores), ...added])]
  }
}

function topicRef(topic: string | RegExp): TopicRef {
  return topic instanceof RegExp ? { kind: 'pattern', pattern: topic } : { kind: 'name', topic }
}

/** What is no list counts as an empty one: the problem it is gets found with the others. */
function listOf<T>(list: readonly T[] | undefined): readonly T[] {
  return isList(list) ? list : []
}

/** Typed, so that this is true for good programs; those in JavaScript may give anything. */
function isList<T>(list: readonly T[] | undefined): list is readonly T[] {
  return Array.isArray(list)
}

/** A copy of what is given, of batch options for single topics too. */
function ownOptions(batch: SourceBatchOptions | undefined): SourceBatchOptions {
  // What is no object is kept as it is, to be found with all problems.
  if (typeof batch !== 'object' || batch === null) return batch ?? {}
  const { topics } = batch
  return definedOnly({ ...batch, topics: typeof topics === 'object' && topics !== null ? { ...topics } : topics })
}
