import type { NodeConcurrency } from '../process/concurrency.ts'
import type { AnyStoreDefinition } from '../store/store-definition.ts'
import type { OutsideSink } from '../sink/outside-sink.ts'
import type { Partitioner } from '../sink/partitioner.ts'
import type { TopicExtractor } from '../sink/topic-extractor.ts'
import type { Serde } from '../serde/serde.ts'
import type { StartAt } from '../source/start-at.ts'
import type { TimestampExtractor } from '../source/timestamp-extractor.ts'
import type { SourceBatchOptions } from '../batch/batch-options.ts'

/** A topic as the topology names it. A repartition topic gets its full name from the application id. */
export type TopicRef =
  | { readonly kind: 'name'; readonly topic: string }
  | { readonly kind: 'pattern'; readonly pattern: RegExp }
  | { readonly kind: 'repartition'; readonly name: string; readonly partitions: number | undefined }

/** An edge to a child: `output` is '' for the default output. */
export interface TopologyEdge {
  readonly output: string
  readonly child: string
}

interface NodeBase {
  readonly name: string
  /** In the order in which they were connected: the order in which a record visits them. */
  readonly edges: readonly TopologyEdge[]
  readonly parents: readonly string[]
}

/** A node that reads topics. */
export interface SourceNode extends NodeBase {
  readonly kind: 'source'
  readonly topics: readonly TopicRef[]
  readonly key: Serde<unknown>
  readonly value: Serde<unknown>
  readonly startAt: StartAt
  readonly timestamp: TimestampExtractor<unknown, unknown> | undefined
  /** What differs from the application's batch options. */
  readonly batch: SourceBatchOptions
}

/** A node that processes, operators included. */
export interface ProcessorNode extends NodeBase {
  readonly kind: 'processor'
  /** Makes the processor of one task; `detectProcessor` tells what it is. */
  readonly create: () => unknown
  readonly stores: readonly AnyStoreDefinition[]
  /** Names of its named outputs. */
  readonly outputs: readonly string[]
  /** How many records it processes at once. */
  readonly concurrency: NodeConcurrency
}

/** A node that writes to a topic. */
export interface SinkNode extends NodeBase {
  readonly kind: 'sink'
  readonly topic: TopicRef | TopicExtractor<unknown, unknown>
  readonly key: Serde<unknown>
  readonly value: Serde<unknown>
  readonly partitioner: Partitioner<unknown, unknown> | undefined
}

/** A node that writes elsewhere than to a topic. */
export interface OutsideSinkNode extends NodeBase {
  readonly kind: 'outside-sink'
  readonly sink: OutsideSink<unknown, unknown>
}

/** Any node; `kind` tells them apart. */
export type TopologyNode = SourceNode | ProcessorNode | SinkNode | OutsideSinkNode

/** Nodes that are connected to each other or share a store: the unit that tasks are made of, one for each partition. */
export interface SubTopology {
  readonly index: number
  /** Parents before children; otherwise in the order they were added. */
  readonly nodes: readonly TopologyNode[]
  readonly stores: readonly AnyStoreDefinition[]
  /** Why its tasks must take records one at a time (two nodes of one pass reach the same store), if they must. */
  readonly singleRecord: string | undefined
}

/** Frozen data: what a `TopologyBuilder` built and the runtime runs. */
export interface Topology {
  readonly name: string
  /** In the order in which they were added. */
  readonly nodes: readonly TopologyNode[]
  readonly subTopologies: readonly SubTopology[]
  readonly stores: readonly AnyStoreDefinition[]
  /** `text`: Kafka Streams' format; `mermaid`: a flowchart. Default: `text`. */
  describe(format?: 'text' | 'mermaid'): string
}
