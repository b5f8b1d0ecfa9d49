import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { adminCases } from './admin-cases.ts'
import { ConformanceBench } from './conformance-bench.ts'
import type { ConformanceAssert, ConformanceCase, TransportUnderTest } from './conformance-case.ts'
import { deliveryCases } from './delivery-cases.ts'
import { groupCases } from './group-cases.ts'
import { lifecycleCases } from './lifecycle-cases.ts'
import { positionCases } from './position-cases.ts'
import { recordCases } from './record-cases.ts'
import { transactionCases } from './transaction-cases.ts'

/** What the suite runs with, and on. */
export interface TransportConformanceOptions {
  /** Registers a test, such as vitest's or `node:test`'s `test`. */
  readonly test: (name: string, run: () => Promise<void>) => unknown
  /** Called for each case. The transports may share a broker: every case uses names of its own. */
  readonly factory: () => TransportUnderTest | Promise<TransportUnderTest>
  /** Default: `node:assert/strict`. */
  readonly assert?: ConformanceAssert | undefined
  /** How long a case waits for one thing to happen, in milliseconds. Default: 30,000. */
  readonly limitMs?: number | undefined
  /** Gives names that nobody else uses on that broker. Default: random ones. */
  readonly uniqueName?: (() => string) | undefined
  /** What the transport has not got, whose cases are left out: without it they fail. `delivery-reports`: the `send` of its writers. Default: nothing. */
  readonly lacks?: readonly 'delivery-reports'[] | undefined
}

/** Every promise of the transport port that can be held against a transport from outside. */
export const transportConformanceCases: readonly ConformanceCase[] = Object.freeze([
  ...recordCases,
  ...deliveryCases,
  ...positionCases,
  ...groupCases,
  ...adminCases,
  ...transactionCases,
  ...lifecycleCases,
])

const withoutDeliveries = transportConformanceCases.filter((each) => !deliveryCases.includes(each))

/**
 * Registers the conformance suite of the transport port.
 *
 * @example
 * ```ts with=names
 * import { test } from 'vitest'
 *
 * transportConformance({ test, factory: () => ({ transport: memory() }) })
 * ```
 */
export function transportConformance(options: TransportConformanceOptions): void {
  const cases = options.lacks?.includes('delivery-reports') === true ? withoutDeliveries : transportConformanceCases
  for (const { name, run } of cases) {
    options.test(name, async () => {
      const underTest = await options.factory()
      const bench = new ConformanceBench({
        transport: underTest.transport,
        assert: options.assert ?? assert,
        limitMs: options.limitMs ?? 30_000,
        uniqueName: options.uniqueName ?? (() => `conformance-${randomUUID()}`),
      })
      try {
        await run(bench)
      } finally {
        await bench.close()
        await underTest.close?.()
      }
    })
  }
}
