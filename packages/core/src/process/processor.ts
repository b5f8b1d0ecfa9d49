import type { RecordBatch } from '../batch/record-batch.ts'
import type { StreamRecord } from '../batch/stream-record.ts'
import type { AnyStoreDefinition } from '../store/store-definition.ts'
import type { BatchOutcome } from './batch-outcome.ts'
import type { ProcessorConcurrency } from './concurrency.ts'
import type { OutputTypes, ProcessorContext } from './processor-context.ts'

interface ProcessorLifecycle<KOut, VOut, Outputs> {
  /** Called once before the first record of a task, again when the task was recovered (on a new object). */
  readonly init?: ((context: ProcessorContext<KOut, VOut, Outputs>) => void | Promise<void>) | undefined
  /** Called once when the task is closed; what it forwards has no effect. */
  readonly close?: (() => void | Promise<void>) | undefined
}

/**
 * Processes single records: those of **one partition, in offset order**, one after another, unless its node allows several at once
 * ({@link ProcessorConcurrency}).
 */
export interface Processor<KIn, VIn, KOut = KIn, VOut = VIn, Outputs = Record<never, never>> extends ProcessorLifecycle<
  KOut,
  VOut,
  Outputs
> {
  /**
   * Called with one record; what it returns is awaited before the next, or, with several at once, before its place is free. What it throws fails
   * the pass, and names the record. With several at once, the context is this record's own: forward and change stores through it, not
   * through that of `init`.
   */
  readonly process: (record: StreamRecord<KIn, VIn>, context: ProcessorContext<KOut, VOut, Outputs>) => void | Promise<void>
}

/**
 * Processes batches: each holds records of **one partition, in offset order**, and batches of a partition come one after another in that
 * order. An object that has `process` too is used through `processBatch`, and through `process` where single records are asked for.
 */
export interface BatchProcessor<KIn, VIn, KOut = KIn, VOut = VIn, Outputs = Record<never, never>> extends ProcessorLifecycle<
  KOut,
  VOut,
  Outputs
> {
  /**
   * Called with one batch; what it returns is awaited before the next. Throw a {@link BatchRecordError}, or return the failures, to name the
   * record that failed; anything else that is thrown fails the batch without a culprit.
   */
  readonly processBatch: (
    batch: RecordBatch<KIn, VIn>,
    context: ProcessorContext<KOut, VOut, Outputs>,
  ) => void | BatchOutcome | Promise<void | BatchOutcome>
}

/** A plain function is a processor of single records. */
export type ProcessorFunction<KIn, VIn, KOut, VOut, Outputs = Record<never, never>> = Processor<KIn, VIn, KOut, VOut, Outputs>['process']

/** A plain function given to `processBatch` is a processor of batches. */
export type BatchProcessorFunction<KIn, VIn, KOut, VOut, Outputs = Record<never, never>> = BatchProcessor<
  KIn,
  VIn,
  KOut,
  VOut,
  Outputs
>['processBatch']

/** Whatever a factory may make. */
export type AnyProcessor<KIn, VIn, KOut, VOut, Outputs = Record<never, never>> =
  | Processor<KIn, VIn, KOut, VOut, Outputs>
  | BatchProcessor<KIn, VIn, KOut, VOut, Outputs>
  | ProcessorFunction<KIn, VIn, KOut, VOut, Outputs>

/** What a node needs besides its function. */
export interface ProcessorOptions<Outputs extends OutputTypes = Record<never, never>> extends ProcessorConcurrency {
  /** The stores it uses. Nodes that name the same store share it (and its task). */
  readonly stores?: readonly AnyStoreDefinition[] | undefined
  /** Named outputs: `{ invalid: output<string, Error>() }`. */
  readonly outputs?: Outputs | undefined
}

/** Makes one processor for each task: an object with `process`, `processBatch` or both, or a plain function. */
export interface ProcessorSupplier<P, Outputs extends OutputTypes = Record<never, never>> extends ProcessorOptions<Outputs> {
  /** Called once for each task, and again when the task is recovered. Must return a new object, at once. */
  readonly create: () => P
}
