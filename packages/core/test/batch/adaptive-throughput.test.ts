import { describe, expect, test } from 'vitest'
import { adaptSize, initialAdaptiveSize } from '../../src/batch/adaptive-size.ts'
import { p95, type Processor, processor, randomNumbers, run, sum, target } from './simulated-processor.ts'

const { targetLatencyMs } = target

interface Kind {
  readonly recordMs: number
  readonly jitter: number
}

const kinds: readonly (readonly [string, Kind])[] = [
  ['slow', { recordMs: 8, jitter: 0 }],
  ['steady', { recordMs: 0.5, jitter: 0 }],
  ['fast', { recordMs: 0.02, jitter: 0 }],
  ['jittery', { recordMs: 0.5, jitter: 0.6 }],
  ['fast and jittery', { recordMs: 0.02, jitter: 0.6 }],
]

const make = (batchMs: number, { recordMs, jitter }: Kind, seed = 1) => processor(batchMs, recordMs, jitter, randomNumbers(seed))

/** Records a millisecond, in so many batches of one size; 0 if their 95th percentile is not in time. */
function fixed(process: Processor, batches: number, size: number): number {
  const mayBeLate = batches - 1 - Math.floor(batches * 0.95)
  let late = 0
  let total = 0
  for (let i = 0; i < batches; i++) {
    const durationMs = process(size)
    total += durationMs
    if (durationMs > targetLatencyMs && ++late > mayBeLate) return 0
  }
  return (batches * size) / total
}

/** The most that any fixed size does that is in time: each is tried. `after`: so many batches that don't count. */
function bestFixed(batchMs: number, kind: Kind, batches: number, after = 0): number {
  let best = 0
  for (let size = 1; batchMs + kind.recordMs * size <= targetLatencyMs; size++) {
    const process = make(batchMs, kind)
    for (let i = 0; i < after; i++) process(size)
    best = Math.max(best, fixed(process, batches, size))
  }
  return best
}

describe.each([2, 20, 50])('an adaptive batch size, where a batch costs %i ms as such,', (batchMs) => {
  test.each(kinds)(
    'does at least 0.97 times what the best of all fixed sizes in time does with a %s processor, its search included',
    (_, kind) => {
      const { sizes, durations } = run(make(batchMs, kind), 2_000)
      expect(sum(sizes) / sum(durations)).toBeGreaterThanOrEqual(0.97 * bestFixed(batchMs, kind, 2_000))
      expect(p95(durations)).toBeLessThanOrEqual(1.03 * targetLatencyMs)
    },
  )

  test('does more than any fixed size that is in time while a processor is slow, then fast, then jittery, and nearly what the best of each would', () => {
    const phases: readonly Kind[] = [
      { recordMs: 8, jitter: 0 },
      { recordMs: 0.02, jitter: 0 },
      { recordMs: 0.5, jitter: 0.6 },
    ]
    const phaseMs = 60_000
    let state = initialAdaptiveSize(target)
    let done = 0
    for (const phase of phases) {
      const process = make(batchMs, phase)
      for (let elapsedMs = 0; elapsedMs < phaseMs;) {
        const { size } = state
        const durationMs = process(size)
        elapsedMs += durationMs
        done += size
        state = adaptSize(target, state, { records: size, durationMs })
      }
    }
    let bestOfAll = 0
    for (let size = 1; size <= target.maxSize; size++) {
      const rates = phases.map((phase) => fixed(make(batchMs, phase), 600, size))
      if (rates.includes(0)) break
      bestOfAll = Math.max(bestOfAll, sum(rates) * phaseMs)
    }
    expect(done).toBeGreaterThan(bestOfAll)
    // Nobody can choose the best size of each phase beforehand.
    expect(done).toBeGreaterThanOrEqual(0.97 * sum(phases.map((phase) => bestFixed(batchMs, phase, 600) * phaseMs)))
  })
})

describe('an adaptive batch size that has settled', () => {
  test.each([...kinds, ['wildly jittery', { recordMs: 0.5, jitter: 3 }] as const])(
    'does at least 0.999 times what any fixed size in time does with a %s processor, where a batch costs 2 ms as such',
    (_, kind) => {
      const process = make(2, kind)
      const { state } = run(process, 50)
      const { sizes, durations } = run(process, 400, undefined, state)
      expect(sum(sizes) / sum(durations)).toBeGreaterThanOrEqual(0.999 * bestFixed(2, kind, 400, 50))
    },
  )
})
