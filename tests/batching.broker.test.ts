import { setTimeout as pause } from 'node:timers/promises'
import { type BatchOptions, type BatchTrigger, RECORD_MEMORY_BYTES, type RecordBatch, resolveBatchPolicy } from '@millrace/core'
import { ManualClock } from 'millrace/testing'
import { kafka } from 'millrace/kafka'
import { describe, expect, inject, test } from 'vitest'
import { BatchingRun } from './support/batching-run.ts'
import { deferred } from './support/deferred.ts'
import { Random } from './support/random.ts'
import { someChange } from './support/some-change.ts'
import { untrueCuts } from './support/untrue-cuts.ts'

const transport = kafka({ brokers: inject('kafkaBrokers') })
const HOUR_MS = 3_600_000
/** Nothing takes so long unless it hangs. */
const soon = { timeout: 45_000 }
const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value)

describe('a batch that waits for its timeout', () => {
  test('is handed on with one record when that has waited for so long', async () => {
    await using run = await BatchingRun.start(transport, { timeoutMs: 300 })
    await run.write([10])
    await expect.poll(() => run.told, soon).toEqual(['1 by age'])
    expect(run.cuts[0]?.ageMs).toBeGreaterThanOrEqual(300)
    expect(await run.copies()).toEqual(run.originals)
  })

  test('counts from its first record: not from a later one, nor from the batch before', async () => {
    const clock = new ManualClock(Date.now())
    await using run = await BatchingRun.start(transport, { timeoutMs: 1_000 }, { overrides: { clock } })
    for (const batches of [0, 1]) {
      await run.write([10])
      await run.settled()
      await clock.advance(999)
      await run.write([10])
      await run.settled()
      expect(run.cuts).toHaveLength(batches)
      await clock.advance(1)
      await expect.poll(() => run.cuts.length, soon).toBe(batches + 1)
      // Half of the next timeout passes with nothing there: the next record has all of its own.
      await clock.advance(500)
    }
    expect(run.cuts).toMatchObject(times(2, { records: 2, trigger: 'age', ageMs: 1_000 }))
  })

  test('is cut again and again from a stream that is slow and steady', async () => {
    await using run = await BatchingRun.start(transport, { timeoutMs: 200 })
    while (run.cuts.length < 5) {
      await run.write([10])
      await pause(10)
    }
    await run.settled()
    await expect.poll(() => run.recordsCut, soon).toBe(run.recordsWritten)
    expect(new Set(run.cuts.map(({ trigger }) => trigger))).toEqual(new Set(['age']))
    expect(Math.min(...run.cuts.map(({ ageMs }) => ageMs))).toBeGreaterThanOrEqual(200)
    expect(await run.copies()).toEqual(run.originals)
  })
})

describe('a batch of a size', () => {
  test('is cut once of 250 records that are sent quickly, without waiting, and not of 249', async () => {
    const clock = new ManualClock(Date.now())
    await using run = await BatchingRun.start(transport, { preset: 'balanced' }, { overrides: { clock } })
    await run.write(times(250, 100))
    await run.settled()
    expect(run.cuts).toMatchObject([{ records: 250, trigger: 'records', ageMs: 0 }])
    await run.write(times(249, 100))
    await run.settled()
    expect(run.cuts).toHaveLength(1)
    await run.write([100])
    await run.settled()
    expect(run.told).toEqual(times(2, '250 by records'))
    expect(await run.copies()).toEqual(run.originals)
  })

  test('gathers records that come one at a time', async () => {
    await using run = await BatchingRun.start(transport, { size: 20, timeoutMs: HOUR_MS })
    for (let count = 0; count < 40; count++) {
      await run.write([10])
      await run.settled()
    }
    expect(run.told).toEqual(times(2, '20 by records'))
  })
})

test('500 records, in bursts and one by one over ten seconds, are cut for the reasons that are told', async () => {
  const random = new Random()
  const options: BatchOptions = { size: 40, timeoutMs: 250, maxBytes: 8_000 }
  await using run = await BatchingRun.start(transport, options)
  const began = performance.now()
  const ends = began + 10_000
  // In turn: one, a burst of many that are small, and a burst of few that are large.
  for (let turn = 0; run.recordsWritten < 500; turn++) {
    const [count, bytes] = [
      [1, 100],
      [50, 20],
      [20, 1_000],
    ][turn % 3] as [number, number]
    await run.write(Array.from({ length: Math.min(count, 500 - run.recordsWritten) }, () => 1 + random.below(bytes)))
    const left = (ends - performance.now()) / (500 - run.recordsWritten + 1)
    await pause(Math.max(0, Math.min(1_000, left * (count + 1))))
  }
  await run.read()
  await expect.poll(() => run.recordsCut, soon).toBe(500)
  expect(untrueCuts(resolveBatchPolicy([options]), run.cuts, run.written), `MILLRACE_SEED=${random.seed}`).toEqual([])
  expect(new Set(run.cuts.map(({ trigger }) => trigger))).toEqual(new Set(['records', 'bytes', 'age']))
  expect(await run.copies()).toEqual(run.originals)
})

describe('10,000 records of random sizes', () => {
  const RECORDS = 10_000
  const PARTITIONS = 3
  const small = { maxBytes: 64 * 1_024, maxMemoryBytes: 128 * 1_024 }
  const { maxMemoryBytes } = small

  test.each<[BatchOptions, BatchTrigger[]]>([
    [{ strategy: 'immediate' }, ['records']],
    [{ strategy: 'size', size: 70 }, ['records', 'drain']],
    [{ strategy: 'time', timeoutMs: 50, maxMemoryBytes }, ['age', 'memory', 'drain']],
    [{ strategy: 'bytes', ...small }, ['bytes', 'memory', 'drain']],
    [{ strategy: 'hybrid', size: 100, timeoutMs: 50, ...small }, ['records', 'bytes', 'age', 'memory', 'drain']],
    [{ strategy: 'memory', maxMemoryBytes }, ['memory', 'drain']],
    [{ strategy: 'adaptive', maxSize: 300, ...small }, ['records', 'bytes', 'demand', 'memory']],
    [{ waitWhenIdle: false, ...small }, ['records', 'bytes', 'demand', 'memory']],
  ])('are all there, in order, in batches that keep to their limits and their word: %o', async (options, triggers) => {
    const random = new Random()
    const sizeOf = () => (random.below(10) === 0 ? 0 : random.below(random.below(20) === 0 ? 8_000 : 500))
    // Some batches take a while, so that more arrives meanwhile.
    const slow = new Random(random.seed + 1)
    const work = () => (slow.below(10) === 0 ? pause(slow.below(10)) : undefined)
    await using run = await BatchingRun.start(transport, options, { partitions: PARTITIONS, work })
    while (run.recordsWritten < RECORDS) {
      const count = Math.min(1 + random.below(500), RECORDS - run.recordsWritten)
      await run.write(Array.from({ length: count }, sizeOf), random.below(PARTITIONS))
      // At times what is there is done before more comes.
      if (random.below(3) === 0) await pause(random.below(60))
    }
    await run.settled()
    await run.app.close()
    expect(untrueCuts(resolveBatchPolicy([options]), run.cuts, run.written), `MILLRACE_SEED=${random.seed}`).toEqual([])
    expect([...new Set(run.cuts.map(({ trigger }) => trigger))].filter((trigger) => !triggers.includes(trigger))).toEqual([])
    expect(run.recordsCut).toBe(RECORDS)
    expect(await run.copies()).toEqual(run.originals)
  })
})

describe('a limit in bytes', () => {
  test('counts keys and values as they are serialised, not what they take in memory', async () => {
    await using run = await BatchingRun.start(transport, { strategy: 'bytes', maxBytes: 1_000 })
    // With its key each has a hundred bytes; in memory three times as many.
    await run.write(times(35, 96))
    await run.settled()
    expect(run.cuts).toMatchObject(times(3, { records: 10, bytes: 1_000, trigger: 'bytes' }))
    // One that would be too much for the batch, and is too much by itself.
    await run.write([2_000])
    await run.settled()
    expect(run.cuts.slice(3)).toMatchObject([
      { records: 5, bytes: 500, trigger: 'bytes' },
      { records: 1, bytes: 2_004, trigger: 'bytes' },
    ])
    expect(await run.copies()).toEqual(run.originals)
  })
})

describe('memory', () => {
  test('limits a batch, whatever the strategy', async () => {
    const each = 96 + 4 + RECORD_MEMORY_BYTES
    await using run = await BatchingRun.start(transport, { strategy: 'size', size: 1_000, maxMemoryBytes: 20 * each })
    await run.write(times(70, 96))
    await run.settled()
    expect(run.told).toEqual(times(3, '20 by memory'))
    await run.app.close()
    expect(run.told.slice(3)).toEqual(['10 by drain'])
    expect(await run.copies()).toEqual(run.originals)
  })

  test('that all partitions share limits what waits, and so their batches', async () => {
    const each = 50 + 4 + RECORD_MEMORY_BYTES
    const memoryBudgetBytes = 120 * each
    await using run = await BatchingRun.start(
      transport,
      { strategy: 'bytes', maxMemoryBytes: memoryBudgetBytes, memoryBudgetBytes },
      { partitions: 2 },
    )
    // Neither has enough for a batch of its own, together they have.
    await run.write(times(80, 50), 0)
    await run.settled()
    expect(run.cuts).toEqual([])
    await run.write(times(80, 50), 1)
    await run.settled()
    expect(run.cuts.length).toBeGreaterThan(0)
    expect(new Set(run.cuts.map(({ trigger }) => trigger))).toEqual(new Set(['memory']))
    // What is left has room, and waits as it was asked to.
    expect(run.recordsWritten - run.recordsCut).toBeLessThan(120)
    await run.app.close()
    expect(await run.copies()).toEqual(run.originals)
  })
})

describe('a policy that does not wait', () => {
  test('hands on what is there when it is caught up, and full batches under load', async () => {
    let gate = deferred()
    const triggers: string[] = []
    const options: BatchOptions = { size: 100, timeoutMs: HOUR_MS, waitWhenIdle: false }
    const work = (batch: RecordBatch<unknown, unknown>) => {
      triggers.push(`${batch.length} by ${batch.trigger}`)
      return gate.promise
    }
    await using run = await BatchingRun.start(transport, options, { work })
    await run.write([10])
    await expect.poll(() => triggers, soon).toEqual(['1 by demand'])
    // While the processor is busy, records gather.
    await run.write(times(1_000, 10))
    await run.read()
    gate.resolve()
    await run.app.idle()
    expect(triggers.slice(1)).toEqual(times(10, '100 by records'))
    // What gathered and is less than a batch waits for nothing either.
    gate = deferred()
    await run.write([10])
    await expect.poll(() => triggers.length, soon).toBe(12)
    await run.write(times(30, 10))
    await run.read()
    gate.resolve()
    await run.app.idle()
    expect(triggers.slice(11)).toEqual(['1 by demand', '30 by demand'])
    // What arrived while a batch was processed is not counted as part of it.
    expect(untrueCuts(resolveBatchPolicy([options]), run.cuts, run.written)).toEqual([])
    expect(await run.copies()).toEqual(run.originals)
  })
})

describe('what waits for company', () => {
  test('is handed on when its partition is taken away: nothing of it is lost or read again', async () => {
    await using run = await BatchingRun.start(transport, { strategy: 'size', size: 1_000 }, { partitions: 2 })
    for (const partition of [0, 1]) await run.write(times(10, 100), partition)
    await run.settled()
    expect(run.cuts).toEqual([])
    const second = await run.join()
    await expect.poll(() => run.assignments.length, soon).toBe(4)
    expect(run.assignments.filter((one) => one.startsWith('revoked'))).toHaveLength(1)
    expect(run.told).toEqual(['10 by revoke'])
    for (const partition of [0, 1]) await run.write(times(20, 100), partition)
    await run.read()
    // The second has only what was written since: what came before was committed with the revoke.
    const [given] = run.cuts.map(({ partition }) => partition)
    await second.close()
    expect(run.told.slice(1)).toEqual(['20 by drain'])
    expect(run.cuts[1]?.partition).toBe(given)
    await run.app.close()
    expect(run.told.slice(2)).toEqual(['30 by drain'])
    expect(await run.copies()).toEqual(run.originals)
  })
})

describe('a change of batching at run time', () => {
  test('a thousand times under load loses, repeats and reorders nothing, and each is told', async () => {
    const random = new Random()
    const partitions = 3
    await using run = await BatchingRun.start(transport, {}, { partitions, overrides: { buffer: { maxRecords: 2_000 } } })
    const { input: topic } = run.topics
    for (let i = 0; i < 1_000; i++) {
      await run.write(
        Array.from({ length: 1 + random.below(50) }, () => random.below(100)),
        random.below(partitions),
      )
      run.app.updateBatching(someChange(random, { source: 'in', topic }))
      // Now and then something is read in between.
      if (random.below(20) === 0) await pause(random.below(40))
    }
    run.app.updateBatching({ topic, waitWhenIdle: false })
    await run.app.caughtUp()
    expect(run.changes, `MILLRACE_SEED=${random.seed}`).toHaveLength(1_001)
    expect(new Set(run.cuts.map(({ trigger }) => trigger)).size, `MILLRACE_SEED=${random.seed}`).toBeGreaterThan(1)
    expect(run.recordsCut, `MILLRACE_SEED=${random.seed}`).toBe(run.recordsWritten)
    expect(await run.copies()).toEqual(run.originals)
  })
})
