import {
  type BatchOptions,
  type BatchPolicy,
  type BatchTrigger,
  decideCut,
  memoryOf,
  RECORD_MEMORY_BYTES,
  resolveBatchPolicy,
  type WaitingRecords,
} from '@millrace/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const RECORDS = 10_000

interface Arrival {
  readonly at: number
  readonly bytes: number
}

interface Cut {
  readonly at: number
  /** Of its first record. */
  readonly first: number
  readonly count: number
  readonly trigger: BatchTrigger
  /** What it was cut from. */
  readonly waiting: WaitingRecords
}

/** A batcher's state machine on a clock by hand: cuts whenever it may, sleeps as long as it was told to, drains at the end. */
class Batcher {
  readonly cuts: Cut[] = []
  readonly #policy: BatchPolicy
  readonly #arrivals: readonly Arrival[]
  #now = 0
  #first = 0
  #end = 0
  #bytes = 0
  #finishing: 'drain' | undefined
  #wakeAt = Infinity

  constructor(policy: BatchPolicy, arrivals: readonly Arrival[]) {
    this.#policy = policy
    this.#arrivals = arrivals
  }

  run(): readonly Cut[] {
    for (const { at, bytes } of this.#arrivals) {
      while (this.#wakeAt <= at) this.#look(this.#wakeAt)
      this.#end++
      this.#bytes += bytes
      // What arrives at one moment arrives as one.
      if (this.#arrivals[this.#end]?.at !== at) this.#look(at)
    }
    this.#finishing = 'drain'
    this.#look(this.#now)
    return this.cuts
  }

  #look(now: number): void {
    this.#now = now
    this.#wakeAt = Infinity
    while (this.#first < this.#end) {
      const waiting = this.#waiting()
      const decision = decideCut(this.#policy, waiting)
      if (!decision.cut) {
        this.#wakeAt = now + decision.waitMs
        return
      }
      const { take: count, trigger } = decision
      this.cuts.push({ at: now, first: this.#first, count, trigger, waiting })
      for (const end = this.#first + count; this.#first < end; this.#first++) this.#bytes -= this.#sizeOf(this.#first)
    }
  }

  #waiting(): WaitingRecords {
    const records = this.#end - this.#first
    return {
      records,
      bytes: this.#bytes,
      memoryBytes: memoryOf(records, this.#bytes),
      recordsWithinBytes: this.#within(this.#policy.maxBytes, 0),
      recordsWithinMemory: this.#within(this.#policy.maxMemoryBytes, RECORD_MEMORY_BYTES),
      firstArrivedAt: (this.#arrivals[this.#first] as Arrival).at,
      now: this.#now,
      finishing: this.#finishing,
    }
  }

  #within(limit: number, each: number): number {
    const most = Math.min(this.#end - this.#first, this.#policy.size)
    let bytes = 0
    for (let i = 0; i < most; i++) {
      bytes += this.#sizeOf(this.#first + i) + each
      if (bytes > limit) return Math.max(1, i)
    }
    return most
  }

  #sizeOf(i: number): number {
    return (this.#arrivals[i] as Arrival).bytes
  }
}

/** Records of random sizes, in bursts with random pauses. */
const arrivals = fc
  .record({
    seed: fc.integer({ min: 1, max: 2 ** 31 }),
    burst: fc.integer({ min: 1, max: 400 }),
    pauseMs: fc.integer({ min: 0, max: 3_000 }),
  })
  .map(({ seed, burst, pauseMs }) => {
    let state = seed
    const below = (limit: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return Math.floor((state / 2 ** 32) * limit)
    }
    let at = 1
    return Array.from({ length: RECORDS }, (): Arrival => {
      if (below(burst) === 0) at += below(pauseMs + 1)
      return { at, bytes: below(20) === 0 ? below(40_000) : below(500) }
    })
  })

const total = (all: readonly Arrival[], { first, count }: Pick<Cut, 'first' | 'count'>) =>
  all.slice(first, first + count).reduce((sum, { bytes }) => sum + bytes, 0)

/** Whether what a trigger says is so. */
function isTrue(policy: BatchPolicy, all: readonly Arrival[], cut: Cut): boolean {
  const { first, count, waiting, trigger } = cut
  const bytes = total(all, cut)
  const next = (all[first + count]?.bytes ?? 0) + bytes
  const more = waiting.records > count
  switch (trigger) {
    case 'records':
      return count === policy.size
    case 'bytes':
      return bytes >= policy.maxBytes || (more && next > policy.maxBytes)
    case 'memory':
      return memoryOf(count, bytes) >= policy.maxMemoryBytes || (more && memoryOf(count + 1, next) > policy.maxMemoryBytes)
    case 'age':
      return cut.at - (all[first] as Arrival).at >= policy.timeoutMs && !more
    case 'demand':
      return (!policy.waitWhenIdle || policy.timeoutMs === 0) && !more
    case 'drain':
      return waiting.finishing === 'drain' && !more
    default:
      return false
  }
}

const small = { maxBytes: 64 * 1_024, maxMemoryBytes: 256 * 1_024 }

const strategies: readonly (readonly [string, BatchOptions, readonly BatchTrigger[]])[] = [
  ['immediate', { strategy: 'immediate' }, ['records']],
  ['size', { strategy: 'size', maxMemoryBytes: small.maxMemoryBytes }, ['records', 'memory', 'drain']],
  ['time', { strategy: 'time', maxMemoryBytes: small.maxMemoryBytes }, ['age', 'memory', 'drain']],
  ['bytes', { strategy: 'bytes', ...small }, ['bytes', 'memory', 'drain']],
  ['hybrid', { strategy: 'hybrid', ...small }, ['records', 'bytes', 'age', 'memory', 'drain']],
  ['memory', { strategy: 'memory', maxMemoryBytes: small.maxMemoryBytes }, ['memory', 'drain']],
  ['adaptive', { strategy: 'adaptive', maxSize: 300, ...small }, ['records', 'bytes', 'demand', 'memory', 'drain']],
  ['hybrid that does not wait', { waitWhenIdle: false, ...small }, ['records', 'bytes', 'demand', 'memory', 'drain']],
]

describe('10,000 records of random sizes, cut by strategy', () => {
  test.each(strategies)('%s: all are there, in order, within the limits, for the reason that is told', (_, options, triggers) => {
    const policy = resolveBatchPolicy([options])
    fc.assert(
      fc.property(arrivals, (all) => {
        const cuts = new Batcher(policy, all).run()
        let next = 0
        const wrong: Cut[] = []
        for (const cut of cuts) {
          const bytes = total(all, cut)
          const fits = cut.count === 1 || (bytes <= policy.maxBytes && memoryOf(cut.count, bytes) <= policy.maxMemoryBytes)
          const inTime = cut.at - (all[cut.first] as Arrival).at <= policy.timeoutMs
          const good = cut.first === next && cut.count >= 1 && cut.count <= policy.size && fits && inTime
          if (!good || !triggers.includes(cut.trigger) || !isTrue(policy, all, cut)) wrong.push(cut)
          next += cut.count
        }
        expect(wrong).toEqual([])
        expect(next).toBe(RECORDS)
      }),
      { numRuns: 15 },
    )
  })
})
