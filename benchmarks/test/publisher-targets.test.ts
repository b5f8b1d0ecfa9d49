import { expect, test } from 'vitest'
import { type Results, tablesOf, targetsOf } from '../src/publisher/results.ts'
import { exitCodeFor } from '../src/report/targets.ts'

const rate = (perSecond: number) => [{ perSecond, threadMicros: 1 }]
const late = (p99Ms: number) => [{ p99Ms, aloneMs: 50 }]
const busy = [{ busy: 0.1, threadMicros: 1, lateMs: 0 }]

const results: Results = {
  awaited: rate(1_000),
  published: rate(10_000),
  byDefault: rate(9_000),
  packed: rate(200_000),
  latencies: late(70),
  packedLatencies: late(71),
  defaultLatencies: late(519),
  loops: { nobody: busy, service: busy, worker: busy },
}

test('the publisher is judged in large batches and with its defaults; a target that is missed is a failure where it is asked for', () => {
  const targets = targetsOf(results)
  expect(targets.map(({ reached }) => reached)).toEqual([true, false, true, true, false, true])
  expect(targets.map(({ measured }) => measured.split(' (')[0])).toEqual([
    ...['10.0 times', '9.0 times', '200,000', '70.0 ms', '71.0 ms', '519.0 ms'],
  ])
  expect([exitCodeFor(targets, true), exitCodeFor(targets, false)]).toEqual([1, 0])
  expect(
    exitCodeFor(
      targets.filter(({ reached }) => reached),
      true,
    ),
  ).toBe(0)
  expect(tablesOf(results)).toContain('publisher, its defaults: batches of 50 to 200')
})
