import type { OutputRecord, StreamRecord } from '../batch/stream-record.ts'
import { branch } from '../process/operators/branch.ts'
import { filter } from '../process/operators/filter.ts'
import { flatMap } from '../process/operators/flat-map.ts'
import { flatMapValues } from '../process/operators/flat-map-values.ts'
import { map } from '../process/operators/map.ts'
import { mapValues } from '../process/operators/map-values.ts'
import { passThrough } from '../process/operators/pass-through.ts'
import { peek } from '../process/operators/peek.ts'
import { selectKey } from '../process/operators/select-key.ts'
import type { BatchProcessorFunction, ProcessorFunction, ProcessorOptions, ProcessorSupplier } from '../process/processor.ts'
import type { OutputType, OutputTypes } from '../process/processor-context.ts'
import type { Serde } from '../serde/serde.ts'
import type { Partitioner } from '../sink/partitioner.ts'
import type { TopicExtractor } from '../sink/topic-extractor.ts'
import type { CheckProcessor, CheckSerdes, KeyOut, ValueOut } from './compile-error.ts'
import type { BuilderGraph } from './builder-graph.ts'

type NoOutputs = Record<never, never>

/** The handles of a node's named outputs. */
export type OutputStreams<Outputs> = {
  readonly [Name in keyof Outputs]: Outputs[Name] extends OutputType<infer K, infer V> ? Stream<K, V> : never
}

export interface RepartitionOptions<K, V> {
  readonly key: Serde<K>
  readonly value: Serde<V>
  /** Default: as many as the topics it is read together with, or else as the largest input of what writes it. */
  readonly partitions?: number | undefined
}

export interface SinkOptions<K, V, KSerde, VSerde> {
  /** A topic, or a function that chooses one for each record. Topics must exist. */
  readonly topic: string | TopicExtractor<K, V>
  readonly key: Serde<KSerde>
  readonly value: Serde<VSerde>
  /** Default: by key, as Kafka's default partitioner. */
  readonly partitioner?: Partitioner<K, V> | undefined
}

/**
 * A typed handle of one output of one node: what carries keys `K` and values `V`. Every method adds a node behind it and returns that node's
 * handle. Nothing is checked before `build()`, which lists all problems at once.
 */
export class Stream<K, V, Outputs = NoOutputs> {
  /** Name of the node. */
  readonly node: string
  readonly #output: string
  readonly #graph: BuilderGraph
  readonly #outputs: readonly string[]

  /** @internal Handles come from the builder. */
  constructor(graph: BuilderGraph, node: string, options: { readonly output?: string; readonly outputs?: readonly string[] } = {}) {
    this.#graph = graph
    this.node = node
    this.#output = options.output ?? ''
    this.#outputs = options.outputs ?? []
  }

  /** The named outputs of the node. */
  get to(): OutputStreams<Outputs> {
    const streams: Record<string, Stream<never, never>> = {}
    for (const name of this.#outputs) streams[name] = new Stream<never, never>(this.#graph, this.node, { output: name })
    return streams as unknown as OutputStreams<Outputs>
  }

  /**
   * A processor of single records, as a function. It forwards records of the stream's own types unless others are given:
   * `process<string, number>(...)`.
   */
  process<KOut = K, VOut = V, O extends OutputTypes = NoOutputs>(
    name: string,
    process: ProcessorFunction<K, V, KOut, VOut, O>,
    options?: ProcessorOptions<O>,
  ): Stream<KOut, VOut, O>
  /** A processor made by a factory, once for each task: with `processBatch` it gets batches, with `process` alone single records. */
  process<P, O extends OutputTypes = NoOutputs>(
    name: string,
    supplier: ProcessorSupplier<P, O> & CheckProcessor<P, K, V>,
  ): Stream<KeyOut<P>, ValueOut<P>, O>
  process(name: string, processor: unknown, options?: ProcessorOptions<OutputTypes>): Stream<never, never> {
    if (typeof processor === 'function') return this.#add(name, () => processor, options)
    const supplier = (processor ?? {}) as ProcessorSupplier<unknown, OutputTypes>
    return this.#add(name, supplier.create, supplier)
  }

  /** A processor of batches, as a function. */
  processBatch<KOut = K, VOut = V, O extends OutputTypes = NoOutputs>(
    name: string,
    processBatch: BatchProcessorFunction<K, V, KOut, VOut, O>,
    options?: ProcessorOptions<O>,
  ): Stream<KOut, VOut, O> {
    return this.#add(name, () => ({ processBatch }), options)
  }

  /** One record for each record. */
  map<KOut, VOut>(name: string, mapper: (record: StreamRecord<K, V>) => OutputRecord<KOut, VOut>): Stream<KOut, VOut> {
    return this.#add(name, () => map(mapper))
  }

  /** Another value for each record. */
  mapValues<VOut>(name: string, mapper: (value: V, record: StreamRecord<K, V>) => VOut): Stream<K, VOut> {
    return this.#add(name, () => mapValues(mapper))
  }

  /** Another key for each record. Follow it with `repartition` before state that is kept by key. */
  selectKey<KOut>(name: string, selector: (record: StreamRecord<K, V>) => KOut): Stream<KOut, V> {
    return this.#add(name, () => selectKey(selector))
  }

  /** Any number of records for each record. */
  flatMap<KOut, VOut>(name: string, mapper: (record: StreamRecord<K, V>) => Iterable<OutputRecord<KOut, VOut>>): Stream<KOut, VOut> {
    return this.#add(name, () => flatMap(mapper))
  }

  /** Any number of values for each record. */
  flatMapValues<VOut>(name: string, mapper: (value: V, record: StreamRecord<K, V>) => Iterable<VOut>): Stream<K, VOut> {
    return this.#add(name, () => flatMapValues(mapper))
  }

  /** The records for which `predicate` is true. */
  filter(name: string, predicate: (record: StreamRecord<K, V>) => boolean): Stream<K, V> {
    return this.#add(name, () => filter(predicate, true))
  }

  /** The records for which `predicate` is false. */
  filterNot(name: string, predicate: (record: StreamRecord<K, V>) => boolean): Stream<K, V> {
    return this.#add(name, () => filter(predicate, false))
  }

  /** Calls `action` with each record and passes it on. It is called again for records that are processed again. */
  peek(name: string, action: (record: StreamRecord<K, V>) => void): Stream<K, V> {
    return this.#add(name, () => peek(action))
  }

  /** Each record goes to the first branch whose predicate is true, or nowhere: `branch('size', { big: isBig, rest: () => true })`. */
  branch<Branches extends Readonly<Record<string, (record: StreamRecord<K, V>) => boolean>>>(
    name: string,
    branches: Branches,
  ): { readonly [Name in keyof Branches]: Stream<K, V> } {
    const outputs = Object.keys(branches)
    this.#graph.addProcessor(name, { create: () => branch(branches), stores: [], outputs })
    this.#graph.connect(this.node, name, this.#output)
    const streams: Record<string, Stream<K, V>> = {}
    for (const output of outputs) streams[output] = new Stream<K, V>(this.#graph, name, { output })
    return streams as { readonly [Name in keyof Branches]: Stream<K, V> }
  }

  /** The records of this stream and the others, in the order in which they come. */
  merge<KOther = never, VOther = never>(name: string, ...others: readonly Stream<KOther, VOther>[]): Stream<K | KOther, V | VOther> {
    const merged = this.#add<K | KOther, V | VOther, NoOutputs>(name, () => passThrough())
    for (const other of others) this.#graph.connect(other.node, name, other.#output)
    return merged
  }

  /** Through an internal topic, so that all records of a key meet in one task: `<applicationId>-<name>-repartition`. */
  repartition<KSerde, VSerde>(
    name: string,
    options: RepartitionOptions<KSerde, VSerde> & CheckSerdes<K, V, KSerde, VSerde>,
  ): Stream<KSerde, VSerde> {
    this.#graph.addRepartition(name, options as unknown as RepartitionOptions<unknown, unknown>)
    this.#graph.connect(this.node, `${name}-sink`, this.#output)
    return new Stream<KSerde, VSerde>(this.#graph, name)
  }

  /** Writes every record to a topic. */
  sink<KSerde, VSerde>(name: string, options: SinkOptions<K, V, KSerde, VSerde> & CheckSerdes<K, V, KSerde, VSerde>): void {
    this.#graph.addSink(name, options as unknown as SinkOptions<unknown, unknown, unknown, unknown>)
    this.#graph.connect(this.node, name, this.#output)
  }

  #add<KOut, VOut, O>(name: string, create: () => unknown, options: ProcessorOptions<OutputTypes> = {}): Stream<KOut, VOut, O> {
    const outputs = Object.keys(options.outputs ?? {})
    this.#graph.addProcessor(name, { create, stores: options.stores ?? [], outputs })
    this.#graph.connect(this.node, name, this.#output)
    return new Stream<KOut, VOut, O>(this.#graph, name, { outputs })
  }
}
