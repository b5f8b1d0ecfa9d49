import { monitorEventLoopDelay } from 'node:perf_hooks'
import { expect, test } from 'vitest'
import { type DelayHistogram, EventLoopDelay } from '../../src/metrics/event-loop-delay.ts'

const MS = 1e6

/** Delays that are told by hand, with the 20 milliseconds that Node counts into each. */
class Delays implements DelayHistogram {
  all: number[] = []

  get count(): number {
    return this.all.length
  }
  get mean(): number {
    return this.all.reduce((sum, one) => sum + one + 20 * MS, 0) / this.all.length
  }
  get max(): number {
    return Math.max(...this.all) + 20 * MS
  }
  percentile(): number {
    return this.max
  }
  reset(): void {
    this.all = []
  }
  enable(): boolean {
    return true
  }
  disable(): boolean {
    return true
  }
}

test('Node counts the time after which it looks into each delay, which is none of the loop', async () => {
  const histogram = monitorEventLoopDelay({ resolution: 20 })
  histogram.enable()
  await expect.poll(() => histogram.count, { timeout: 60_000 }).toBeGreaterThan(2)
  histogram.disable()
  expect(histogram.min).toBeGreaterThan(18 * MS)
  const delays = new Delays()
  const loop = new EventLoopDelay(() => 0, delays)
  delays.all.push(0, -0.5 * MS)
  expect(loop.look()).toEqual({ mean: 0, p99: 0, max: 0 })
})

test('who looks takes nothing from who looks next, for at least half a minute', () => {
  let now = 0
  const delays = new Delays()
  const loop = new EventLoopDelay(() => now, delays)
  loop.start()
  expect(loop.look()).toBeUndefined()
  delays.all.push(1 * MS, 899 * MS)
  // A dashboard, once a second; then Prometheus.
  for (now = 1_000; now < 29_000; now += 1_000) expect(loop.look()?.max).toBe(0.899)
  now = 30_000
  expect(loop.look()).toEqual({ mean: 0.45, p99: 0.899, max: 0.899 })
  delays.all.push(2 * MS, 2 * MS)
  now = 59_000
  expect(loop.look()).toEqual({ mean: (0.9 + 0.004) / 4, p99: 0.899, max: 0.899 })
  now = 60_000
  expect(loop.look()?.max).toBe(0.899)
  now = 61_000
  expect(loop.look()).toEqual({ mean: 0.002, p99: 0.002, max: 0.002 })
})

test('a whole window is told to who looks seldom', () => {
  let now = 0
  const delays = new Delays()
  const loop = new EventLoopDelay(() => now, delays)
  loop.start()
  delays.all.push(500 * MS)
  now = 120_000
  expect(loop.look()?.max).toBe(0.5)
})
