import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { simulate } from '../support/simulated-partition.ts'

const policy = { strategy: 'adaptive', targetLatencyMs: 100 } as const
const overheads = [2, 20, 50] as const

const p95 = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.95)] as number

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

describe.each(overheads)('a partition whose size adapts, where a batch costs %i ms as such,', (batchMs) => {
  const durationMs = (records: number) => batchMs + 0.4 * records

  test('takes a poll of 100 records every 100 ms as one batch, though its queue empties each time', () => {
    const passes = simulate({ policy, poll: { records: 100, everyMs: 100 }, durationMs }, 20_000)
    const settled = passes.filter(({ endedAtMs }) => endedAtMs > 10_000)
    expect(new Set(settled.map(({ records }) => records))).toEqual(new Set([100]))
  })

  test('begins a burst with the size it ended the one before with, however long ago that was', () => {
    const passes = simulate({ policy, poll: { records: 5_000, everyMs: 60_000 }, durationMs }, 300_000)
    const best = Math.floor((policy.targetLatencyMs - batchMs) / 0.4)
    const later = passes.filter(({ endedAtMs, waiting }) => endedAtMs > 60_000 && waiting > 0)
    expect(Math.min(...later.map(({ records }) => records))).toBeGreaterThan(0.9 * best)
  })

  test.each([1, 2, 3])('meets its target with up to %i batches at once, and does nearly what the best fixed size does', (atOnce) => {
    const passes = simulate({ policy, poll: { records: 100_000, everyMs: 1_000 }, durationMs, atOnce }, 100_000)
    const durations = passes.map((pass) => pass.durationMs)
    expect(p95(durations)).toBeLessThanOrEqual(1.1 * policy.targetLatencyMs)
    const best = atOnce * Math.floor((policy.targetLatencyMs - batchMs) / 0.4 / atOnce)
    expect(sum(passes.map(({ records }) => records)) / sum(durations)).toBeGreaterThan((0.97 * best) / durationMs(best))
  })

  test('limits a batch to what arrives within the target, once less does', () => {
    const passes = simulate({ policy, poll: { records: 3, everyMs: 20 }, durationMs }, 20_000)
    expect(passes.at(-1)?.size).toBeLessThanOrEqual(15)
  })
})

test('a partition whose size adapts keeps up with polls of any size and frequency that the best fixed size could keep up with, in time', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...overheads),
      fc.constantFrom(0.02, 0.4, 4),
      fc.integer({ min: 1, max: 2_000 }),
      fc.integer({ min: 1, max: 90 }),
      (batchMs, recordMs, records, percent) => {
        const durationMs = (count: number) => batchMs + recordMs * count
        const best = Math.floor((policy.targetLatencyMs - batchMs) / recordMs)
        const everyMs = Math.max(10, Math.ceil((records * durationMs(best)) / best / (percent / 100)))
        const untilMs = Math.max(30_000, 30 * everyMs)
        const passes = simulate({ policy, poll: { records, everyMs }, durationMs }, untilMs)
        const later = passes.filter(({ endedAtMs }) => endedAtMs > untilMs / 2)
        const withinTwice = Math.ceil((2 * policy.targetLatencyMs) / everyMs) * records
        expect(Math.max(...later.map(({ waiting }) => waiting))).toBeLessThanOrEqual(records + withinTwice)
        expect(p95(later.map((pass) => pass.durationMs))).toBeLessThanOrEqual(1.1 * policy.targetLatencyMs)
      },
    ),
    { numRuns: 100 },
  )
})
