import type { Transport } from '@millrace/core'
import type { ConformanceBench } from './conformance-bench.ts'

/** The assertions a suite needs; those of `node:assert/strict` are one set. */
export interface ConformanceAssert {
  /** Throws unless `value` is truthy. */
  ok(value: unknown, message?: string): void
  /** Throws unless both are the same by `===` (or both NaN). */
  equal(actual: unknown, expected: unknown, message?: string): void
  /** Throws unless both have the same contents, strictly. */
  deepEqual(actual: unknown, expected: unknown, message?: string): void
}

/** What a suite runs on: closed after each case. */
export interface TransportUnderTest {
  readonly transport: Transport
  /** Releases what `factory` made; the case has closed what it opened by then. */
  close?(): Promise<void>
}

/** One promise of the port, with the steps that hold a transport to it. */
export interface ConformanceCase {
  readonly name: string
  /** Rejects if the promise is broken. */
  readonly run: (bench: ConformanceBench) => Promise<void>
}
