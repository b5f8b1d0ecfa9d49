import { type BatchOptions, BatchSizer, ManualClock, resolveBatchPolicy } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { formBatch } from '../../src/batch/batch-former.ts'
import { partitionQueue, wireBatch } from '../support/wire.ts'

const target = { strategy: 'adaptive', targetLatencyMs: 100, minSize: 1, maxSize: 2_000 } as const

/** The same numbers in every run: a linear congruential generator (Numerical Recipes). */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** A queue that is never empty, before a processor that takes time of a clock by hand. */
class Partition {
  readonly #clock = new ManualClock()
  readonly #queue = partitionQueue({ policy: resolveBatchPolicy([target]) })
  readonly #rows = Array.from({ length: 4_000 }, () => ({ value: 'x' }))
  #offset = 0

  /** Gives the processor so many batches; resolves to their sizes and how long they took. */
  async process(batches: number, msOf: (records: number) => number) {
    const sizes: number[] = []
    const durations: number[] = []
    for (let i = 0; i < batches; i++) {
      while (this.#queue.length < this.#rows.length) {
        this.#queue.append(wireBatch(this.#rows, { firstOffset: this.#offset }), this.#clock.now())
        this.#offset += this.#rows.length
      }
      const forming = formBatch([this.#queue], {
        now: this.#clock.now(),
        streamTime: -1,
        punctuateAt: Infinity,
        finishing: undefined,
        maxTaskIdleMs: 0,
        waitingSince: undefined,
      })
      if (!('queue' in forming)) throw new Error('a batch was not cut')
      const durationMs = msOf(forming.count)
      await this.#clock.advance(durationMs)
      this.#queue.drop(forming.count)
      this.#queue.sizer.finished({
        records: forming.count,
        durationMs,
        waiting: this.#queue.length,
      })
      sizes.push(forming.count)
      durations.push(durationMs)
    }
    return { sizes, durations }
  }
}

const p95 = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.95)] as number

describe('batches of a partition whose size adapts', () => {
  const random = randomNumbers(7)
  const processors: readonly (readonly [string, (records: number) => number])[] = [
    ['slow', (records) => 2 + 8 * records],
    ['fast', (records) => 2 + 0.1 * records],
    ['jittery', (records) => (2 + 0.5 * records) * (1 + 0.6 * random())],
  ]

  test('meet the target 50 batches after a processor became slow, then fast, then jittery, and stay within a factor of two', async () => {
    const partition = new Partition()
    for (const [, msOf] of processors) {
      await partition.process(50, msOf)
      const { sizes, durations } = await partition.process(200, msOf)
      expect(p95(durations)).toBeLessThanOrEqual(1.1 * target.targetLatencyMs)
      expect(Math.max(...sizes) / Math.min(...sizes)).toBeLessThanOrEqual(2)
    }
  })
})

describe('a batch sizer', () => {
  function sizerOf(...layers: BatchOptions[]) {
    const live = { current: resolveBatchPolicy(layers) }
    return { live, sizer: new BatchSizer(live) }
  }
  /** Full batches of a processor that takes no time. */
  const grow = (sizer: BatchSizer, batches: number, more: object = {}) => {
    for (let i = 0; i < batches; i++) sizer.finished({ records: sizer.limits.size, durationMs: 0.01, waiting: 1_000_000, ...more })
  }

  test('leaves a policy alone that does not adapt', () => {
    const { live, sizer } = sizerOf({ size: 7 })
    grow(sizer, 3)
    expect(sizer.limits).toBe(live.current)
  })

  test('begins with the smallest size and stays within the largest', () => {
    const { sizer } = sizerOf({ ...target, minSize: 5, maxSize: 60 })
    expect(sizer.limits.size).toBe(5)
    grow(sizer, 20)
    expect(sizer.limits.size).toBe(60)
  })

  test('lets no batch grow beyond a size that was given', () => {
    const { sizer } = sizerOf(target, { size: 30 })
    grow(sizer, 20)
    expect(sizer.limits.size).toBe(30)
    expect(sizerOf({ ...target, minSize: 10 }, { size: 1 }).sizer.limits.size).toBe(1)
  })

  test('halves when what is written to pushes back, and when more records fail', () => {
    for (const failing of [{ pushedBack: true }, { failed: 50 }]) {
      const { sizer } = sizerOf({ ...target, maxSize: 100 })
      grow(sizer, 20)
      grow(sizer, 1, failing)
      expect(sizer.limits.size).toBe(50)
    }
  })

  test('takes several batches at once for so many, of which each takes as long as all', () => {
    const { sizer } = sizerOf({ ...target, maxSize: 100 })
    grow(sizer, 20)
    for (let i = 0; i < 100; i++)
      sizer.finished({ records: 3 * sizer.limits.size, batches: 3, durationMs: 3 * sizer.limits.size, waiting: 1_000 })
    expect(3 * sizer.limits.size).toBeGreaterThan(90)
    expect(3 * sizer.limits.size).toBeLessThanOrEqual(100)
  })

  test('follows what arrives once it has caught up, and not before', () => {
    const { sizer } = sizerOf(target)
    grow(sizer, 20)
    const { size } = sizer.limits
    sizer.arrived(30, 0)
    sizer.finished({ records: size, durationMs: 1, waiting: size })
    expect(sizer.limits.size).toBe(size)
    sizer.arrived(30, 100)
    sizer.finished({ records: 30, durationMs: 1, waiting: 0 })
    expect(sizer.limits.size).toBe(30)
  })

  test('takes up a new policy at once, with what it knows of the processor', () => {
    const { live, sizer } = sizerOf(target)
    grow(sizer, 20)
    live.current = resolveBatchPolicy([{ ...target, maxSize: 40 }])
    expect(sizer.limits.size).toBe(40)
    live.current = resolveBatchPolicy([{ size: 7 }])
    expect(sizer.limits).toBe(live.current)
  })
})
