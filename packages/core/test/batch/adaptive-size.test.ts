import { describe, expect, test } from 'vitest'
import { adaptSize, type AdaptiveSize, type AdaptiveTarget, initialAdaptiveSize } from '../../src/batch/adaptive-size.ts'

const target: AdaptiveTarget = { targetLatencyMs: 100, minSize: 1, maxSize: 10_000 }

/** The same numbers in every run: a linear congruential generator (Numerical Recipes). */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

type Processor = (records: number) => number

/** Milliseconds that a batch takes: something for itself, something for each record, and now and then a good deal more. */
function processor(batchMs: number, recordMs: number, jitter: number, random = randomNumbers(1)): Processor {
  return (records) => (batchMs + recordMs * records) * (1 + jitter * random())
}

/** Gives a processor so many batches; resolves to their sizes and how long they took. */
function run(
  process: Processor,
  batches: number,
  size: (state: AdaptiveSize) => number = ({ size: own }) => own,
  from = initialAdaptiveSize(target),
) {
  let state = from
  const sizes: number[] = []
  const durations: number[] = []
  for (let i = 0; i < batches; i++) {
    const records = size(state)
    const durationMs = process(records)
    sizes.push(records)
    durations.push(durationMs)
    state = adaptSize(target, state, { records, durationMs })
  }
  return { sizes, durations, state }
}

const p95 = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.95)] as number
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

describe('an adaptive batch size', () => {
  const processors: readonly (readonly [string, () => Processor])[] = [
    ['slow', () => processor(2, 8, 0)],
    ['fast', () => processor(2, 0.02, 0)],
    ['jittery', () => processor(2, 0.5, 0.6)],
    ['wildly jittery', () => processor(2, 0.5, 3)],
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

  test.each(processors)('lets a %s processor do more than any fixed size that meets the target', (_, make) => {
    const process = make()
    const { state } = run(process, 50)
    const own = run(process, 400, undefined, state)
    const throughput = sum(own.sizes) / sum(own.durations)
    for (const size of [1, 10, 25, 50, 100, 250, 500, 1_000, 2_000, 5_000, 10_000]) {
      const fixed = run(make(), 400, () => size)
      if (p95(fixed.durations) > target.targetLatencyMs) continue
      expect(throughput).toBeGreaterThanOrEqual((0.999 * sum(fixed.sizes)) / sum(fixed.durations))
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

  test('as it was after a batch of nothing', () => {
    const state = settled()
    expect(adaptSize(target, state, { records: 0, durationMs: 5 })).toBe(state)
  })
})
