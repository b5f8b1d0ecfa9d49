import type { Transport } from '@millrace/core'
import type { ConformanceBench } from './conformance-bench.ts'

/** The assertions a suite needs; those of `node:assert/strict` are one set. */
export interface ConformanceAssert {
  ok(value: unknown, message?: string): void
  equal(actual: unknown, expected: unknown, message?: string): void
  deepEqual(actual: unknown, expected: unknown, message?: string): void
}

/** What a suite runs on: closed after each case. */
export interface TransportUnderTest {
  readonly transport: Transport
  close?(): Promise<void>
}

/** One promise of the port, with the steps that hold a transport to it. */
export interface ConformanceCase {
  readonly name: string
  readonly run: (bench: ConformanceBench) => Promise<void>
}
