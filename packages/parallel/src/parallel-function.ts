import type { Headers } from '@millrace/core'

/** A record as a function in a thread is given it: a copy. */
export interface ParallelRecord<K, V> {
  readonly key: K
  readonly value: V
  /** Event time in milliseconds since the epoch. */
  readonly timestamp: number
  readonly headers: Headers
}

/** A record that a function in a thread returns. It is copied on its way back. */
export interface ParallelOutput<K, V> {
  readonly key: K
  readonly value: V
  /** Event time in milliseconds since the epoch. Default: that of the record it comes from. */
  readonly timestamp?: number | undefined
  /** Default: none. */
  readonly headers?: Headers | undefined
}

/** What comes of one record: a record, several in their order, or none. */
export type ParallelResult<K, V> = ParallelOutput<K, V> | readonly ParallelOutput<K, V>[] | null | undefined | void

/**
 * What the module of a {@link parallelBatch} exports: called with one record after another, in any thread. What it throws fails that record
 * alone, and names it. It has no context: no stores, no state that others see.
 */
export type ParallelFunction<KIn, VIn, KOut = KIn, VOut = VIn> = (
  record: ParallelRecord<KIn, VIn>,
) => ParallelResult<KOut, VOut> | Promise<ParallelResult<KOut, VOut>>

/** A {@link ParallelFunction} of any types. */
export type AnyParallelFunction = ParallelFunction<never, never, unknown, unknown>

type InputOf<F> = F extends (record: infer Input) => unknown ? Input : never
type OutputIn<Result> = Result extends readonly (infer One)[] ? One : Result extends { readonly key: unknown } ? Result : never
type OutputOf<F> = F extends (...parameters: never[]) => infer Result ? OutputIn<Awaited<Result>> : never

/** The type of the keys it takes. */
export type KeyInOf<F> = InputOf<F> extends ParallelRecord<infer K, infer _V> ? K : unknown
/** The type of the values it takes. */
export type ValueInOf<F> = InputOf<F> extends ParallelRecord<infer _K, infer V> ? V : unknown
/** The type of the keys it returns. */
export type KeyOutOf<F> = OutputOf<F>['key' & keyof OutputOf<F>]
/** The type of the values it returns. */
export type ValueOutOf<F> = OutputOf<F>['value' & keyof OutputOf<F>]
