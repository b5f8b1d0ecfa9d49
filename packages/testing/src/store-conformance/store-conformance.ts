import assert from 'node:assert/strict'
import type { ConformanceAssert } from '../transport-conformance/conformance-case.ts'
import type { StoreConformanceCase, StoreUnderTest } from './conformance-case.ts'
import { damageCase, lifecycleCases } from './lifecycle-cases.ts'
import { readCases } from './read-cases.ts'
import { scanCases } from './scan-cases.ts'
import { StoreBench } from './store-bench.ts'
import { writeCases } from './write-cases.ts'

/** What the suite runs with, and on. */
export interface StoreConformanceOptions {
  /** Registers a test, such as vitest's or `node:test`'s `test`. */
  readonly test: (name: string, run: () => Promise<void>) => unknown
  /** Called for each case, for a place that nobody else uses. */
  readonly factory: () => StoreUnderTest | Promise<StoreUnderTest>
  /** Default: `node:assert/strict`. */
  readonly assert?: ConformanceAssert | undefined
  /** Whether what `factory` gives can be damaged. Default: false. */
  readonly damageable?: boolean | undefined
}

/** Every promise of the contract of store backends that can be held against any backend from outside. */
export const storeConformanceCases: readonly StoreConformanceCase[] = Object.freeze([
  ...readCases,
  ...writeCases,
  ...scanCases,
  ...lifecycleCases,
])

/**
 * Registers the conformance suite of store backends.
 *
 * @example
 * ```ts with=names
 * import { test } from 'vitest'
 *
 * storeConformance({ test, factory: () => ({ open: async () => new MemoryStoreBackend() }) })
 * ```
 */
export function storeConformance(options: StoreConformanceOptions): void {
  const cases = options.damageable === true ? [...storeConformanceCases, damageCase] : storeConformanceCases
  for (const { name, run } of cases) {
    options.test(name, async () => {
      const bench = new StoreBench(await options.factory(), options.assert ?? assert)
      try {
        await run(bench)
      } finally {
        await bench.close()
      }
    })
  }
}
