import { type CutLimits, decideCut, resolveBatchPolicy, type WaitingRecords } from '@millrace/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const policy: CutLimits = resolveBatchPolicy([{ size: 10, timeoutMs: 100, maxBytes: 1_000 }])

/** Three records that arrived a while ago and do not fill a batch. */
function waiting(changes: Partial<WaitingRecords> = {}): WaitingRecords {
  const records = changes.records ?? 3
  return {
    records,
    recordsWithinBytes: Math.min(records, policy.size),
    firstArrivedAt: 1_000,
    now: 1_040,
    finishing: undefined,
    ...changes,
  }
}

describe('decideCut', () => {
  it('waits for as long as the first record may still wait', () => {
    expect(decideCut(policy, waiting())).toEqual({ cut: false, waitMs: 60 })
  })

  it.each<[string, Partial<CutLimits>, Partial<WaitingRecords>, object]>([
    ['records: when the batch is full', {}, { records: 10 }, { take: 10, trigger: 'records' }],
    ['records: when more than a batch waits', {}, { records: 25 }, { take: 10, trigger: 'records' }],
    ['bytes: when the records that fit are fewer than those that wait', {}, { recordsWithinBytes: 2 }, { take: 2, trigger: 'bytes' }],
    ['bytes: when one record is larger than a batch may be', {}, { recordsWithinBytes: 1 }, { take: 1, trigger: 'bytes' }],
    ['age: when the first record has waited long enough', {}, { now: 1_100 }, { take: 3, trigger: 'age' }],
    ['demand: at once when the policy does not wait', { timeoutMs: 0 }, {}, { take: 3, trigger: 'demand' }],
    ['demand: at once when the processor is free and nothing is to wait', { waitWhenIdle: false }, {}, { take: 3, trigger: 'demand' }],
    ['bytes: when they are reached', {}, { bytes: 1_000 }, { take: 3, trigger: 'bytes' }],
    ['memory: when it is reached', {}, { memoryBytes: 16_777_216 }, { take: 3, trigger: 'memory' }],
    ['memory: when fewer records fit than wait', {}, { recordsWithinMemory: 2 }, { take: 2, trigger: 'memory' }],
    [
      'bytes: when they leave room for fewer than memory does',
      {},
      { recordsWithinBytes: 1, recordsWithinMemory: 2 },
      { take: 1, trigger: 'bytes' },
    ],
    ['memory: when what all share is spent', {}, { memorySpent: true }, { take: 3, trigger: 'memory' }],
    ['records: full batches first, also when memory is spent', {}, { records: 25, memorySpent: true }, { take: 10, trigger: 'records' }],
    ['drain: when nothing more will come', {}, { finishing: 'drain' }, { take: 3, trigger: 'drain' }],
    ['revoke: when the partition goes away', {}, { finishing: 'revoke' }, { take: 3, trigger: 'revoke' }],
    ['records: in batches of one', { size: 1 }, { recordsWithinBytes: 1 }, { take: 1, trigger: 'records' }],
    ['records: full batches first, also at the end', {}, { records: 12, finishing: 'drain' }, { take: 10, trigger: 'records' }],
  ])('cuts for %s', (_, changes, given, expected) => {
    expect(decideCut({ ...policy, ...changes }, waiting(given))).toEqual({ cut: true, ...expected })
  })

  it('gathers on while the processor is busy, also when nothing is to wait for company', () => {
    expect(decideCut({ ...policy, waitWhenIdle: false }, waiting({ processorFree: false }))).toEqual({ cut: false, waitMs: 60 })
  })

  it('waits until more arrives where nothing limits the wait', () => {
    expect(decideCut({ ...policy, timeoutMs: Infinity }, waiting())).toEqual({ cut: false, waitMs: Infinity })
  })

  it('does not wait for bytes that a full batch of records does not have', () => {
    expect(decideCut(policy, waiting({ records: 20, recordsWithinBytes: 10 }))).toMatchObject({ take: 10, trigger: 'records' })
  })

  it('waits no longer than the timeout when the clock was set back', () => {
    expect(decideCut(policy, waiting({ now: -50_000 }))).toEqual({ cut: false, waitMs: 100 })
  })

  const anyWaiting = fc
    .record({
      size: fc.integer({ min: 1, max: 20 }),
      timeoutMs: fc.integer({ min: 0, max: 200 }),
      records: fc.integer({ min: 1, max: 60 }),
      within: fc.integer({ min: 1, max: 20 }),
      age: fc.integer({ min: -100, max: 400 }),
      finishing: fc.constantFrom('drain', 'revoke', undefined),
    })
    .map(({ size, timeoutMs, records, within, age, finishing }) => ({
      policy: resolveBatchPolicy([{ size, timeoutMs, maxBytes: 1_000 }]),
      waiting: {
        records,
        recordsWithinBytes: Math.min(within, size, records),
        firstArrivedAt: 1_000,
        now: 1_000 + age,
        finishing,
      } satisfies WaitingRecords,
    }))

  it('waits a while that is within the timeout, or takes as many records as there may be', () => {
    fc.assert(
      fc.property(anyWaiting, ({ policy: anyPolicy, waiting: given }) => {
        const decision = decideCut(anyPolicy, given)
        const most = Math.min(given.records, anyPolicy.size, given.recordsWithinBytes)
        const good = decision.cut ? decision.take === most && most >= 1 : decision.waitMs > 0 && decision.waitMs <= anyPolicy.timeoutMs
        expect(good).toBe(true)
      }),
    )
  })

  it('says records only of a batch that is full', () => {
    fc.assert(
      fc.property(anyWaiting, ({ policy: anyPolicy, waiting: given }) => {
        const decision = decideCut(anyPolicy, given)
        expect(decision.cut && decision.trigger === 'records' && decision.take !== anyPolicy.size).toBe(false)
      }),
    )
  })

  it('leaves no record behind when it finishes', () => {
    fc.assert(
      fc.property(anyWaiting, ({ policy: anyPolicy, waiting: given }) => {
        const decision = decideCut(anyPolicy, { ...given, finishing: 'drain' })
        expect(decision.cut).toBe(true)
      }),
    )
  })
})

/** What a queue does with a policy: records arrive one by one at these times, and a clock wakes it when it asked to be woken. */
function batchesOf(arrivals: readonly number[], timeoutMs: number): { at: number; records: readonly number[] }[] {
  const slowPolicy = resolveBatchPolicy([{ size: 1_000_000, timeoutMs, maxBytes: 1_000_000 }])
  const batches: { at: number; records: readonly number[] }[] = []
  let queue: number[] = []
  let wakeAt = Infinity
  const look = (now: number): void => {
    if (queue.length === 0) return
    const decision = decideCut(slowPolicy, {
      records: queue.length,
      recordsWithinBytes: queue.length,
      firstArrivedAt: queue[0] as number,
      now,
      finishing: undefined,
    })
    if (decision.cut) {
      batches.push({ at: now, records: queue })
      queue = []
      wakeAt = Infinity
    } else wakeAt = now + decision.waitMs
  }
  for (const arrival of arrivals) {
    while (wakeAt <= arrival) look(wakeAt)
    queue.push(arrival)
    look(arrival)
  }
  while (queue.length > 0) look(wakeAt)
  return batches
}

describe('the age of a batch', () => {
  it('counts from its first record: a slow steady stream is cut all the same', () => {
    const arrivals = Array.from({ length: 50 }, (_, i) => i * 90)
    expect(batchesOf(arrivals, 100).slice(0, 2)).toEqual([
      { at: 100, records: [0, 90] },
      { at: 280, records: [180, 270] },
    ])
  })

  it('counts from its first record, not from the last cut: after a pause a batch still gathers', () => {
    expect(batchesOf([0, 10_000, 10_040], 100)).toEqual([
      { at: 100, records: [0] },
      { at: 10_100, records: [10_000, 10_040] },
    ])
  })

  it('never makes a record wait longer than the timeout, nor cuts a batch that could gather more', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 250 }), { minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 300 }), (between, timeoutMs) => {
        let now = 0
        const arrivals = between.map((gap) => (now += gap))
        const batches = batchesOf(arrivals, timeoutMs)
        expect(batches.flatMap(({ records }) => records)).toEqual(arrivals)
        for (const { at, records } of batches) expect(at).toBe((records[0] as number) + timeoutMs)
      }),
    )
  })
})
