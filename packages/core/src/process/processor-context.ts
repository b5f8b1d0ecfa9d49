import type { OutputColumns } from '../batch/record-batch.ts'
import type { OutputRecord } from '../batch/stream-record.ts'
import type { Logger } from '../observe/logger.ts'
import type { StoreDefinition } from '../store/store-definition.ts'

declare const outputType: unique symbol

/** The type of a named output; made by {@link output}. */
export interface OutputType<K, V> {
  readonly [outputType]?: (record: readonly [K, V]) => void
}

/** Named outputs of a processor: `{ invalid: output<string, Error>() }`. */
export type OutputTypes = Readonly<Record<string, OutputType<never, never>>>

/** Declares a named output that carries keys `K` and values `V`. */
export function output<K, V>(): OutputType<K, V> {
  return {}
}

/** One way out of a processor. (Function-typed properties: a port of a narrower type does not stand in for a wider one.) */
export interface OutputPort<K, V> {
  /** Hands a record to every node connected to this output. */
  readonly forward: (record: OutputRecord<K, V>) => void
  /** Hands columns of records to every node connected to this output. */
  readonly forwardBatch: (columns: OutputColumns<K, V>) => void
}

/** A port for each named output of a processor. */
export type OutputPorts<Outputs> = {
  readonly [Name in keyof Outputs]: Outputs[Name] extends OutputType<infer K, infer V> ? OutputPort<K, V> : never
}

/** `stream-time`: when the timestamps of records pass the next multiple of the interval; `wall-clock`: as real time passes. */
export type PunctuationType = 'stream-time' | 'wall-clock'

/** Called with the time that came due, in milliseconds since the epoch. What it forwards and stores belongs to the interval and rolls back with it. */
export type Punctuator = (timestampMs: number) => void | Promise<void>

/** What a processor is given in `init` and with every record or batch. Using it after its task was closed throws a `TaskClosedError`. */
export interface ProcessorContext<KOut, VOut, Outputs = Record<never, never>> extends OutputPort<KOut, VOut> {
  readonly applicationId: string
  /** `<sub-topology>_<partition>`, such as `0_3`. */
  readonly taskId: string
  readonly partition: number
  /** Name of the node. */
  readonly node: string
  readonly logger: Logger
  /** Aborted when the task must stop: pass it to whatever you wait for. */
  readonly signal: AbortSignal
  /** The highest timestamp the task has taken so far, in milliseconds since the epoch; -1 before the first record. */
  readonly streamTime: number
  /** The named outputs. */
  readonly to: OutputPorts<Outputs>
  /** The state store of this task. The node must have named it in `stores`. */
  store<Store>(definition: StoreDefinition<Store>): Store
  /**
   * Calls `punctuator` every `everyMs` milliseconds (at least 1) of the chosen time; missed intervals are made up by one call.
   * Call it in `init`. Returns how to cancel.
   */
  schedule(everyMs: number, type: PunctuationType, punctuator: Punctuator): () => void
  /** Asks for a commit as soon as the current pass is done. */
  requestCommit(): void
}
