import type { OutputRecord, StreamRecord } from '../batch/stream-record.ts'
import { branch, type Branches } from '../process/operators/branch.ts'
import { filter } from '../process/operators/filter.ts'
import { filterValues } from '../process/operators/filter-values.ts'
import { flatMap } from '../process/operators/flat-map.ts'
import { flatMapValues } from '../process/operators/flat-map-values.ts'
import { map } from '../process/operators/map.ts'
import { mapValues } from '../process/operators/map-values.ts'
import { passThrough } from '../process/operators/pass-through.ts'
import { peek } from '../process/operators/peek.ts'
import { selectKey } from '../process/operators/select-key.ts'
import type { AnyProcessor, BatchProcessorFunction, ProcessorFunction, ProcessorOptions, ProcessorSupplier } from '../process/processor.ts'
import type { OutputType, OutputTypes } from '../process/processor-context.ts'
import type { OutsideSink } from '../sink/outside-sink.ts'
import type { BuilderGraph } from './builder-graph.ts'
import type { CheckBatchFunction, CheckGiven, CheckSerdes, KeyOut, OutputsIn, ProcessorIn, ValueOut } from './compile-error.ts'
import type { RepartitionOptions } from './repartition-options.ts'
import type { SinkOptions } from './sink-options.ts'

type NoOutputs = Record<never, never>

/** The handles of a node's named outputs. */
export type OutputStreams<Outputs> = {
  readonly [Name in keyof Outputs]: Outputs[Name] extends OutputType<infer K, infer V> ? Stream<K, V> : never
}

/**
 * A typed handle of one output of one node: what carries keys `K` and values `V`. Every method adds a node behind it and returns that node's
 * handle. Nothing is checked before `build()`, which lists all problems at once.
 */
export class Stream<K, V, Outputs = NoOutputs> {
  /** Name of the node. */
  readonly node: string
  readonly #graph: BuilderGraph
  readonly #output: string
  readonly #outputs: readonly string[]

  /** @internal Handles come from the builder. */
  constructor(graph: BuilderGraph, node: string, options: { readonly output?: string; readonly outputs?: readonly string[] } = {}) {
    this.node = node
    this.#graph = graph
    this.#output = options.output ?? ''
    this.#outputs = options.outputs ?? []
  }

  /** The named outputs of the node: `stream.to.invalid.sink(...)`. */
  get to(): OutputStreams<Outputs> {
    return this.#streamsOf(this.node, this.#outputs) as unknown as OutputStreams<Outputs>
  }

  /** A processor made by a factory, once for each task: with `processBatch` it gets batches, with `process` alone single records. */
  process<KOut = K, VOut = V, O extends OutputTypes = NoOutputs>(
    name: string,
    supplier: ProcessorSupplier<AnyProcessor<K, V, KOut, VOut, NoInfer<O>>, O>,
  ): Stream<KOut, VOut, O>
  /**
   * A processor of single records, as a function. The compiler can't see what it forwards: without being told it takes that for the stream's
   * own types, so tell it what differs: `process<string, number>(...)`.
   */
  process<KOut = K, VOut = V, O extends OutputTypes = NoOutputs>(
    name: string,
    process: ProcessorFunction<K, V, KOut, VOut, NoInfer<O>>,
    options?: ProcessorOptions<O>,
  ): Stream<KOut, VOut, O>
  /** A processor that reads wider types than the stream carries. What does not fit gets an error that says why. */
  process<const Given, O extends OutputTypes = NoOutputs>(
    name: string,
    given: Given & CheckGiven<Given, K, V, O>,
    options?: ProcessorOptions<O>,
  ): Stream<KeyOut<ProcessorIn<Given>>, ValueOut<ProcessorIn<Given>>, OutputsIn<Given, O>>
  process(name: string, processor: unknown, options?: ProcessorOptions<OutputTypes>): Stream<never, never> {
    if (isPlainFunction(processor)) return this.#add(name, () => processor, options)
    const { create, ...rest } = (processor ?? {}) as Partial<ProcessorSupplier<unknown, OutputTypes>>
    return this.#add(name, create, rest)
  }

  /** A processor of batches, as a function. What is said of types at `process` holds here too. */
  processBatch<KOut = K, VOut = V, O extends OutputTypes = NoOutputs>(
    name: string,
    processBatch: BatchProcessorFunction<K, V, KOut, VOut, NoInfer<O>>,
    options?: ProcessorOptions<O>,
  ): Stream<KOut, VOut, O>
  /** What does not fit gets an error that says why. */
  processBatch<F, O extends OutputTypes = NoOutputs>(
    name: string,
    processBatch: F & CheckBatchFunction<F, K, V, O>,
    options?: ProcessorOptions<O>,
  ): Stream<KeyOut<F>, ValueOut<F>, O>
  processBatch(name: string, processBatch: unknown, options?: ProcessorOptions<OutputTypes>): Stream<never, never> {
    return this.#add(name, isPlainFunction(processBatch) ? () => ({ processBatch }) : undefined, options)
  }

  /** One record for each record. */
  map<KOut, VOut>(name: string, mapper: (record: StreamRecord<K, V>) => OutputRecord<KOut, VOut>): Stream<KOut, VOut> {
    return this.#operator(name, mapper, map)
  }

  /**
   * Another value for each record. A mapper with one parameter (its `length` is 1) is given no record: keys that nobody looks at pass on as the bytes they are.
   */
  mapValues<VOut>(name: string, mapper: (value: V, record: StreamRecord<K, V>) => VOut): Stream<K, VOut> {
    return this.#operator(name, mapper, mapValues)
  }

  /** Another key for each record. Follow it with `repartition` before state that is kept by key. */
  selectKey<KOut>(name: string, selector: (record: StreamRecord<K, V>) => KOut): Stream<KOut, V> {
    return this.#operator(name, selector, selectKey)
  }

  /** Any number of records for each record. */
  flatMap<KOut, VOut>(name: string, mapper: (record: StreamRecord<K, V>) => Iterable<OutputRecord<KOut, VOut>>): Stream<KOut, VOut> {
    return this.#operator(name, mapper, flatMap)
  }

  /** Any number of values for each record. */
  flatMapValues<VOut>(name: string, mapper: (value: V, record: StreamRecord<K, V>) => Iterable<VOut>): Stream<K, VOut> {
    return this.#operator(name, mapper, flatMapValues)
  }

  /** The records for which `predicate` is true. */
  filter(name: string, predicate: (record: StreamRecord<K, V>) => boolean): Stream<K, V> {
    return this.#operator(name, predicate, keep)
  }

  /** The records for which `predicate` is false. */
  filterNot(name: string, predicate: (record: StreamRecord<K, V>) => boolean): Stream<K, V> {
    return this.#operator(name, predicate, drop)
  }

  /** The records for whose value `predicate` is true: as {@link filter}, but that keys nobody looks at pass on as the bytes they are. */
  filterValues(name: string, predicate: (value: V) => boolean): Stream<K, V> {
    return this.#operator(name, predicate, filterValues)
  }

  /** Calls `action` with each record and passes it on. It is called again for records that are processed again. */
  peek(name: string, action: (record: StreamRecord<K, V>) => void): Stream<K, V> {
    return this.#operator(name, action, peek)
  }

  /**
   * Each record goes to the first branch whose predicate is true, in the order in which they are written, or nowhere:
   * `branch('size', { big: (order) => order.value > 100, rest: () => true })`.
   */
  branch<B extends Branches<K, V>>(name: string, branches: B): { readonly [Name in keyof B]: Stream<K, V> } {
    const given: Branches<K, V> = branches ?? {}
    const outputs = Object.keys(given)
    if (outputs.length === 0) this.#graph.problems.push(`Branch '${name}' has no branches.`)
    for (const output of outputs) {
      if (!isPlainFunction(given[output])) this.#graph.problems.push(`Branch '${output}' of '${name}' has no predicate; give a function.`)
    }
    this.#addNode(name, () => branch(given), { outputs })
    return this.#streamsOf(name, outputs) as { readonly [Name in keyof B]: Stream<K, V> }
  }

  /** The records of this stream and of the others, in the order in which they come. */
  merge<KOther = never, VOther = never>(name: string, ...others: readonly Stream<KOther, VOther>[]): Stream<K | KOther, V | VOther> {
    const merged = this.#add<K | KOther, V | VOther, NoOutputs>(name, passThrough)
    for (const other of others) {
      if (other.#graph === this.#graph) this.#graph.connect(other.node, name, other.#output)
      else this.#graph.problems.push(`'${name}' merges '${other.node}', which belongs to another builder.`)
    }
    return merged
  }

  /** Through an internal topic, so that all records of a key meet in one task: `<applicationId>-<name>-repartition`. */
  repartition<KSerde, VSerde>(
    name: string,
    options: RepartitionOptions<KSerde, VSerde> & CheckSerdes<K, V, KSerde, VSerde>,
  ): Stream<KSerde, VSerde> {
    const sink = this.#graph.addRepartition(name, options as unknown as RepartitionOptions<unknown, unknown>)
    this.#graph.connect(this.node, sink, this.#output)
    return new Stream<KSerde, VSerde>(this.#graph, name)
  }

  /** Writes every record to a topic. */
  sink<KSerde, VSerde>(name: string, options: SinkOptions<K, V, KSerde, VSerde> & CheckSerdes<K, V, KSerde, VSerde>): void {
    this.#graph.addSink(name, options as unknown as SinkOptions<unknown, unknown, unknown, unknown>)
    this.#graph.connect(this.node, name, this.#output)
  }

  /** Stores every record elsewhere than in a topic: `bulkRows(...)` in a database. */
  sinkOutside(name: string, sink: OutsideSink<K, V>): void {
    this.#graph.addOutsideSink(name, sink)
    this.#graph.connect(this.node, name, this.#output)
  }

  #operator<Given, KOut, VOut>(name: string, given: Given, make: (given: Given) => unknown): Stream<KOut, VOut> {
    return this.#add(name, isPlainFunction(given) ? () => make(given) : undefined)
  }

  #add<KOut, VOut, O>(
    name: string,
    create: (() => unknown) | undefined,
    options: ProcessorOptions<OutputTypes> = {},
  ): Stream<KOut, VOut, O> {
    const outputs = Object.keys(options.outputs ?? {})
    this.#addNode(name, create, { ...options, outputs })
    return new Stream<KOut, VOut, O>(this.#graph, name, { outputs })
  }

  /** `create` is undefined where no function was given: found with all other problems. */
  #addNode(
    name: string,
    create: (() => unknown) | undefined,
    options: Omit<ProcessorOptions, 'outputs'> & { readonly outputs: readonly string[] },
  ): void {
    const { outputs, stores = [], ordering = 'partition', asyncBatch, maxConcurrency } = options
    const concurrency = { ordering, asyncBatch, maxConcurrency }
    this.#graph.addProcessor(name, { create: create as () => unknown, stores, outputs, concurrency })
    this.#graph.connect(this.node, name, this.#output)
  }

  #streamsOf(node: string, outputs: readonly string[]): Readonly<Record<string, Stream<never, never>>> {
    return Object.fromEntries(outputs.map((output) => [output, new Stream<never, never>(this.#graph, node, { output })]))
  }
}

function keep<K, V>(predicate: (record: StreamRecord<K, V>) => boolean) {
  return filter(predicate, true)
}

function drop<K, V>(predicate: (record: StreamRecord<K, V>) => boolean) {
  return filter(predicate, false)
}

/** Not a class: it can't be called, and stands for a factory that was forgotten. */
function isPlainFunction(value: unknown): boolean {
  return typeof value === 'function' && !/^class\b/.test(Function.prototype.toString.call(value))
}
