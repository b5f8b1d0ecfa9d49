import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { adaptSize, type AdaptiveTarget, initialAdaptiveSize } from '../../src/batch/adaptive-size.ts'
import { p95, type Processor, processor, randomNumbers, run, target } from './simulated-processor.ts'

describe.each([2, 20, 50])('an adaptive batch size, where a batch costs %i ms as such,', (batchMs) => {
  const processors: readonly (readonly [string, () => Processor])[] = [
    ['slow', () => processor(batchMs, 8, 0)],
    ['fast', () => processor(batchMs, 0.02, 0)],
    ['jittery', () => processor(batchMs, 0.5, 0.6)],
    // Of a batch that costs more as such no size is in time.
    ...(batchMs === 2 ? [['wildly jittery', () => processor(batchMs, 0.5, 3)] as const] : []),
  ]

  test.each(processors)('meets its target with a %s processor after 50 batches, and stays within a factor of two', (_, make) => {
    const process = make()
    const { state } = run(process, 50)
    const { sizes, durations } = run(process, 400, undefined, state)
    expect(p95(durations)).toBeLessThanOrEqual(1.1 * target.targetLatencyMs)
    expect(Math.max(...sizes) / Math.min(...sizes)).toBeLessThanOrEqual(2)
  })

  test('meets its target again after a processor became slow, then fast, then jittery', () => {
    let state = initialAdaptiveSize(target)
    for (const [, make] of processors) {
      const process = make()
      ;({ state } = run(process, 50, undefined, state))
      const { sizes, durations } = run(process, 200, undefined, state)
      expect(p95(durations)).toBeLessThanOrEqual(1.1 * target.targetLatencyMs)
      expect(Math.max(...sizes) / Math.min(...sizes)).toBeLessThanOrEqual(2)
    }
  })
})

describe('an adaptive batch size is', () => {
  const settled = () => run(processor(2, 0.5, 0), 100).state

  test('half as large when a growing share of records fails, and not when the same share goes on failing', () => {
    let state = settled()
    const { size } = state
    state = adaptSize(target, state, { records: size, durationMs: 10, failed: size / 10 })
    expect(state.size).toBe(Math.floor(size / 2))
    for (let i = 0; i < 50; i++)
      state = adaptSize(target, state, { records: state.size, durationMs: state.size * 0.5 + 2, failed: state.size / 10 })
    expect(state.size).toBeGreaterThan(size / 2)
  })

  test('half as large when what is written to pushes back', () => {
    const state = settled()
    expect(adaptSize(target, state, { records: state.size, durationMs: 10, pushedBack: true }).size).toBe(Math.floor(state.size / 2))
  })

  test('no larger than what arrives while the target lasts', () => {
    let state = settled()
    for (let i = 0; i < 5; i++) state = adaptSize(target, state, { records: 20, durationMs: 12, arrivalsPerMs: 0.3 })
    expect(state.size).toBe(30)
  })

  test('never below the smallest and never above the largest', () => {
    const bounds: AdaptiveTarget = { targetLatencyMs: 100, minSize: 20, maxSize: 50 }
    let state = initialAdaptiveSize(bounds)
    const sizes: number[] = []
    for (let i = 0; i < 50; i++) {
      state = adaptSize(bounds, state, { records: state.size, durationMs: i < 25 ? 1 : 1_000 })
      sizes.push(state.size)
    }
    expect([Math.min(...sizes), Math.max(...sizes)]).toEqual([20, 50])
    expect(sizes[24]).toBe(50)
    expect(state.size).toBe(20)
  })

  test('half as large when two batches in a row are clearly late, and hardly smaller for one', () => {
    const state = settled()
    const once = adaptSize(target, state, { records: state.size, durationMs: 500 })
    expect(once.size).toBeGreaterThan(0.9 * state.size)
    expect(adaptSize(target, once, { records: once.size, durationMs: 500 }).size).toBe(Math.floor(once.size / 2))
    const between = adaptSize(target, once, { records: 1, durationMs: 3 })
    expect(adaptSize(target, between, { records: between.size, durationMs: 500 }).size).toBeGreaterThan(0.9 * state.size)
  })

  test('soon what it was after an outage of two batches, and of many', () => {
    for (const outage of [2, 30]) {
      const process = processor(20, 0.5, 0.6)
      const before = run(process, 200).state
      const after = run(() => 5_000, outage, undefined, before).state
      const { state } = run(process, 20, undefined, after)
      expect(state.size).toBeGreaterThan(before.size / 2)
    }
  })

  test('no more than once in 60 batches one that was too much, where a larger batch is suddenly much slower', () => {
    const process: Processor = (records) => 5 + 0.1 * records + (records > 300 ? 200 : 0)
    const { state } = run(process, 200)
    const { sizes, durations } = run(process, 600, undefined, state)
    expect(durations.filter((durationMs) => durationMs > target.targetLatencyMs).length).toBeLessThanOrEqual(10)
    expect(p95(sizes)).toBeLessThanOrEqual(300)
    expect(Math.min(...sizes)).toBeGreaterThan(150)
  })

  test('one whose p95 is within 1.1 times the target, whatever a batch and a record cost and however they vary', () => {
    const percent = fc.integer({ min: 0, max: 100 })
    fc.assert(
      fc.property(percent, percent, percent, fc.integer({ min: 1, max: 2 ** 31 }), (share, cost, jitter, seed) => {
        const process = processor(0.6 * share, 10 ** (cost / 33 - 2), jitter / 100, randomNumbers(seed))
        // A single record is to be in time.
        fc.pre((0.6 * share + 10 ** (cost / 33 - 2)) * (1 + jitter / 100) <= target.targetLatencyMs)
        const { state } = run(process, 100)
        expect(p95(run(process, 400, undefined, state).durations)).toBeLessThanOrEqual(1.1 * target.targetLatencyMs)
      }),
      { numRuns: 100 },
    )
  })

  test('as it was after a batch of nothing', () => {
    const state = settled()
    expect(adaptSize(target, state, { records: 0, durationMs: 5 })).toBe(state)
  })
})
