import { setImmediate } from 'node:timers/promises'
import type { AppBatchOptions, AppDefinition } from 'millrace'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { memory } from 'millrace/memory'
import { ManualClock } from 'millrace/testing'
import { BatchingRun } from './support/batching-run.ts'
import { Copying } from './support/copying.ts'
import { deferred } from './support/deferred.ts'
import { Random } from './support/random.ts'
import { someChange } from './support/some-change.ts'

const HOUR_MS = 3_600_000

/** Nothing takes so long unless it hangs. */
const soon = { timeout: 20_000 }
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)

afterEach(() => vi.unstubAllEnvs())

describe('a batch size of 1', () => {
  test('is single-record processing, by the environment alone, whatever the program says', async () => {
    vi.stubEnv('MILLRACE_BATCH_SIZE', '1')
    await using copying = await Copying.start({ strategy: 'adaptive', minSize: 10 }, { source: { size: 50, strategy: 'time' } })
    await copying.write(30)
    copying.run()
    await copying.app.caughtUp()
    expect(copying.cuts.map(({ records, trigger }) => `${records} by ${trigger}`)).toEqual(upTo(30).map(() => '1 by records'))
    expect(await copying.copied()).toEqual([upTo(30)])
  })
})

describe('batch options', () => {
  test('of the environment and of the program are refused in one error', async () => {
    vi.stubEnv('MILLRACE_BATCH_TIMEOUT_MS', 'soon')
    await expect(Copying.start({ size: 0, strategy: 'fast' as never })).rejects.toThrow(
      "The application can't be started:" +
        `\n  - batch.strategy is "fast"; use 'immediate', 'size', 'time', 'bytes', 'hybrid', 'memory' or 'adaptive'.` +
        '\n  - batch.size is 0; use a whole number from 1 to 1,000,000.' +
        '\n  - MILLRACE_BATCH_TIMEOUT_MS is "soon"; use a whole number of at least 0.',
    )
  })

  test('hold for the topics they name', async () => {
    const topics = { b: { size: 4 }, c: { size: 6 } }
    await using copying = await Copying.start({ strategy: 'size', size: 3, topics }, { topics: ['a', 'b', 'c'] })
    for (const topic of ['a', 'b', 'c']) await copying.write(12, { topic })
    copying.run()
    await expect.poll(() => copying.recordsCut, soon).toBe(36)
    for (const [topic, size] of [
      ['a', 3],
      ['b', 4],
      ['c', 6],
    ] as const)
      expect(copying.cuts.flatMap((cut) => (cut.topic === topic ? [cut.records] : []))).toEqual(upTo(12 / size).map(() => size))
  })

  test('adapt the size of the batches of a partition', async () => {
    await using copying = await Copying.start({ strategy: 'adaptive', targetLatencyMs: HOUR_MS, maxSize: 64 })
    await copying.write(1_000)
    copying.run()
    await copying.app.caughtUp()
    expect(copying.cuts.slice(0, 9).map(({ records }) => records)).toEqual([1, 2, 4, 8, 16, 32, 64, 64, 64])
    expect(await copying.copied()).toEqual([upTo(1_000)])
  })
})

describe('a policy that waits for more than there is room for', () => {
  const never = { timeoutMs: HOUR_MS } as const

  test.each<[string, AppBatchOptions, AppDefinition['buffer']]>([
    ['a time, with room for few records', { strategy: 'time', ...never }, { maxRecords: 100 }],
    ['a time, with room for few bytes', { strategy: 'time', ...never }, { maxRecords: 200, maxBytes: 600 }],
    ['a size that is above the records there is room for', { strategy: 'size', size: 5_000 }, { maxRecords: 100 }],
    ['bytes, with a budget of memory that is spent before', { strategy: 'bytes', memoryBudgetBytes: 30_000 }, { maxRecords: 1_000 }],
  ])('of %s, is cut because of memory', async (_, batch, buffer) => {
    await using copying = await Copying.start(batch, { buffer })
    await copying.write(1_000)
    copying.run()
    await expect.poll(() => copying.cuts.length, soon).toBeGreaterThan(1)
    expect(new Set(copying.cuts.map(({ trigger }) => trigger))).toEqual(new Set(['memory']))
    // What is left has room, and waits as it was asked to.
    copying.app.updateBatching({ waitWhenIdle: false })
    await copying.app.caughtUp()
    expect(await copying.copied()).toEqual([upTo(1_000)])
  })

  test('is cut when others have taken the room, and when reading of its partition is paused for one that has nothing', async () => {
    await using copying = await Copying.start({ strategy: 'size', size: 5_000 }, { partitions: 3, buffer: { maxRecords: 100 } })
    await copying.write(40, { partition: 0 })
    copying.run()
    await expect.poll(() => copying.recordsSeen, soon).toBe(40)
    expect(copying.cuts).toEqual([])
    await copying.write(70, { partition: 1 })
    await copying.app.caughtUp()
    expect(copying.cuts.map(({ trigger }) => trigger)).not.toContain('records')
    expect(await copying.copied()).toEqual([upTo(40), upTo(70)])
  })
})

describe('the events of a batch', () => {
  test('tell its records and bytes, why it was cut, how long it gathered and how long each node took', async () => {
    const clock = new ManualClock(Date.now())
    const gate = deferred()
    const begun = deferred()
    const work = () => {
      begun.resolve()
      return gate.promise
    }
    await using run = await BatchingRun.start(memory(), { timeoutMs: 1_000 }, { work, overrides: { clock } })
    await run.write([96, 96, 46])
    await run.settled()
    await clock.advance(1_000)
    await begun.promise
    // What arrives meanwhile is no part of it.
    await run.write([500, 500])
    await run.read()
    await clock.advance(40)
    gate.resolve()
    await run.app.idle()
    const common = { records: 3, trigger: 'age', partition: 0 }
    expect(run.cuts).toMatchObject([{ ...common, bytes: 250, ageMs: 1_000 }])
    // That of the source comes last: it tells of what is done.
    expect(run.passes).toMatchObject([
      { ...common, node: 'work', stage: 'process', bytes: 0, durationMs: 40 },
      { ...common, node: 'out', stage: 'sink', bytes: 250 },
      { ...common, node: 'in', stage: 'source', bytes: 250 },
    ])
  })
})

describe('a change of batching at run time', () => {
  test('cuts an open batch at once that is over a new limit, and leaves one open that is not', async () => {
    await using copying = await Copying.start({ size: 1_000, timeoutMs: HOUR_MS })
    await copying.write(10)
    copying.run()
    await expect.poll(() => copying.recordsSeen, soon).toBe(10)
    copying.app.updateBatching({ size: 20 })
    await copying.app.idle()
    expect(copying.cuts).toEqual([])
    copying.app.updateBatching({ size: 4 })
    await expect.poll(() => copying.recordsCut, soon).toBe(8)
    expect(copying.cuts.map(({ records, trigger }) => `${records} by ${trigger}`)).toEqual(['4 by records', '4 by records'])
    copying.app.updateBatching({ timeoutMs: 0 })
    await copying.app.caughtUp()
    expect(copying.cuts.at(-1)).toMatchObject({ records: 2, trigger: 'demand' })
    expect(await copying.copied()).toEqual([upTo(10)])
  })

  test('holds for tasks that are assigned later, and is told with the policies that follow from it', async () => {
    await using copying = await Copying.start({ strategy: 'size', size: 50 }, { topics: ['a', 'b'] })
    copying.app.updateBatching({ topic: 'b', size: 7 })
    const policy = { strategy: 'size', size: 7, timeoutMs: Infinity }
    expect(copying.changes).toMatchObject([
      { type: 'batching', stage: 'batch', change: { topic: 'b', size: 7 }, policies: [{ topic: 'b', policy }] },
    ])
    for (const topic of ['a', 'b']) await copying.write(49, { topic })
    copying.run()
    await expect.poll(() => copying.recordsCut, soon).toBe(49)
    expect(copying.cuts.map(({ topic, records }) => `${records} of ${topic}`)).toEqual(upTo(7).map(() => '7 of b'))
  })

  test('counts more than the environment', async () => {
    vi.stubEnv('MILLRACE_BATCH_SIZE', '2')
    await using copying = await Copying.start({ timeoutMs: HOUR_MS })
    copying.app.updateBatching({ source: 'read-in', size: 5 })
    await copying.write(10)
    copying.run()
    await copying.app.caughtUp()
    expect(copying.cuts.map(({ records }) => records)).toEqual([5, 5])
  })

  test('is refused with everything that is wrong with it, and then changes nothing', async () => {
    await using copying = await Copying.start({ strategy: 'size', size: 5 })
    expect(() => copying.app.updateBatching({ size: 1, timeoutMs: -1, topic: 'nowhere' })).toThrow(
      new TypeError(
        "Batching can't be changed:" +
          '\n  - timeoutMs is -1; use a whole number of at least 0.' +
          '\n  - topic is "nowhere"; use one that a source reads.',
      ),
    )
    expect(copying.changes).toEqual([])
    await copying.write(10)
    copying.run()
    await copying.app.caughtUp()
    expect(copying.cuts.map(({ records }) => records)).toEqual([5, 5])
  })

  test('a thousand times under load loses, repeats and reorders nothing', async () => {
    const random = new Random()
    const next = (limit: number) => random.below(limit)
    const partitions = 3
    const written = [0, 0, 0]
    await using copying = await Copying.start({}, { partitions, buffer: { maxRecords: 2_000 } })
    copying.run()
    for (let i = 0; i < 1_000; i++) {
      const partition = next(partitions)
      const count = 1 + next(100)
      await copying.write(count, { partition, first: written[partition] as number })
      written[partition] = (written[partition] as number) + count
      copying.app.updateBatching(someChange(random, { source: 'read-in', topic: 'in' }))
      // Now and then some passes end in between.
      for (let turns = next(8); turns > 0; turns--) await setImmediate()
    }
    copying.app.updateBatching({ topic: 'in', waitWhenIdle: false })
    await copying.app.caughtUp()
    expect(copying.changes).toHaveLength(1_001)
    expect(new Set(copying.cuts.map(({ records }) => records)).size).toBeGreaterThan(5)
    expect(await copying.copied(), `MILLRACE_SEED=${random.seed}`).toEqual(written.map(upTo))
  })
})
