import { type Acknowledgement, BatcherFailed, BatchRecordError, createBatcher, deferred, MemoryBudget } from '@millrace/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { settle } from '../support/settle.ts'
import { appendAll, batcherOf, upTo } from './support/batcher-of.ts'

describe('a batcher', () => {
  test('hands on a full batch at once, and the rest at its timeout, which counts from the first item', async () => {
    const { batcher, batches, advance } = batcherOf({ size: 3, timeoutMs: 1_000 })
    void appendAll(batcher, upTo(4))
    await advance(999)
    expect(batches).toEqual([{ items: [0, 1, 2], trigger: 'records' }])
    void batcher.append(4)
    await advance(1)
    expect(batches[1]).toEqual({ items: [3, 4], trigger: 'age' })
    expect(batcher.waiting).toBe(0)
  })

  test('cuts by serialised bytes, never by what an item takes in memory', async () => {
    const { batcher, batches, advance } = batcherOf(
      { strategy: 'bytes', maxBytes: 10 },
      { sizeOf: (item) => item, maxInFlightBatches: 100 },
    )
    void appendAll(batcher, [4, 4, 4, 12, 1])
    await advance(0)
    expect(batches.map(({ items, trigger }) => [items, trigger])).toEqual([
      [[4, 4], 'bytes'],
      [[4], 'bytes'],
      [[12], 'bytes'],
    ])
    await batcher.close()
    expect(batches[3]).toEqual({ items: [1], trigger: 'drain' })
  })

  test('flush hands on what was appended before, and resolves when it is processed', async () => {
    const gate = deferred<void>()
    const { batcher, batches } = batcherOf({ size: 10, timeoutMs: 60_000 }, {}, () => gate.promise)
    void appendAll(batcher, [1, 2])
    let flushed = false
    const flushing = batcher.flush().then(() => (flushed = true))
    await settle()
    expect(batches).toEqual([{ items: [1, 2], trigger: 'drain' }])
    expect(flushed).toBe(false)
    gate.resolve()
    await flushing
    await batcher.flush()
    expect(batches).toHaveLength(1)
  })

  test.each(['all-or-nothing', 'best-effort', 'last-successful'] as const)(
    'halves an adaptive size when a batch fails that is done by a retry (%s)',
    async (acknowledgement) => {
      let failures = 1
      const { batcher, batches, advance } = batcherOf(
        { strategy: 'adaptive', maxSize: 1_000 },
        { acknowledgement, maxInFlightBatches: 1_000 },
        (items) => {
          if (items.length === 64 && failures-- > 0) throw new Error('away for a moment')
        },
      )
      void appendAll(batcher, upTo(400))
      await advance(1_000)
      expect(batches.map(({ items }) => items.length).slice(0, 9)).toEqual([1, 2, 4, 8, 16, 32, 64, 64, 32])
    },
  )

  test('append waits while as much waits as may, and goes on when there is room', async () => {
    let gate = deferred<void>()
    const { batcher, batches } = batcherOf({ size: 2, timeoutMs: 60_000 }, { maxInFlightBatches: 2 }, () => gate.promise)
    const room: boolean[] = []
    appendAll(batcher, [0, 1, 2, 3]).forEach((appended, i) => void appended.then(() => (room[i] = true)))
    await settle()
    expect(room).toEqual([true, true, true])
    expect(batches).toHaveLength(1)
    gate.resolve()
    gate = deferred()
    await settle()
    expect(room).toEqual([true, true, true, true])
  })

  test('when the memory they share is spent, each of several cuts what it has', async () => {
    const memory = new MemoryBudget(1_000)
    const one = batcherOf({ size: 100, timeoutMs: 60_000 }, { memory })
    const other = batcherOf({ size: 100, timeoutMs: 60_000 }, { memory })
    void appendAll(other.batcher, upTo(4))
    await settle()
    expect(other.batches).toEqual([])
    await Promise.all(appendAll(one.batcher, upTo(3)))
    await settle()
    expect(other.batches).toEqual([{ items: [0, 1, 2, 3], trigger: 'memory' }])
    expect(one.batches[0]).toMatchObject({ trigger: 'memory' })
    await one.batcher.close()
    expect(one.batches.flatMap(({ items }) => items)).toEqual([0, 1, 2])
    expect(memory.usedBytes).toBe(0)
  })

  test('retries with growing waits, then fails with what was not processed; nothing more is taken', async () => {
    const { batcher, batches, events, advance } = batcherOf({ size: 2, timeoutMs: 0, maxRetries: 2 }, {}, () => {
      throw new Error('no')
    })
    const appended = Promise.allSettled(appendAll(batcher, [7, 8]))
    await advance(0)
    await advance(99)
    expect(batches).toHaveLength(1)
    await advance(1)
    expect(batches).toHaveLength(2)
    await advance(200)
    const failed = await batcher.flush().catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(BatcherFailed)
    expect(failed).toMatchObject({ code: 'BATCHER_FAILED', cause: { message: 'no' } })
    expect((failed as BatcherFailed).unprocessed).toContain(7)
    await expect(batcher.append(9)).rejects.toBe(failed)
    await expect(batcher.close()).rejects.toBe(failed)
    await appended
    expect(events.flatMap((event) => (event.type === 'retry' ? [event.delayMs] : []))).toEqual([100, 200])
  })

  test('finds the items that fail, skips them if it is to, and tells', async () => {
    const { batcher, events, advance } = batcherOf(
      { size: 8, timeoutMs: 0, maxRetries: 0 },
      { giveUp: ({ item }) => (item === 3 || item === 6 ? 'skip' : 'fail') },
      (items) => {
        if (items.some((item) => item === 3 || item === 6)) throw new Error('bad')
      },
    )
    void appendAll(batcher, upTo(8))
    await advance(0)
    await batcher.flush()
    expect(events.filter(({ type }) => type === 'failure')).toMatchObject([
      { policy: 'skip', offset: 3, attempts: 1 },
      { policy: 'skip', offset: 6, attempts: 1 },
    ])
  })

  test('tells of cuts and batches with the events of a topology', async () => {
    const { batcher, events, advance } = batcherOf({ size: 2, timeoutMs: 60_000 }, { name: 'lines', sizeOf: () => 5 })
    void appendAll(batcher, [1, 2])
    await advance(0)
    const common = { task: 'lines', topic: 'lines', partition: 0, records: 2, bytes: 10, trigger: 'records' }
    expect(events).toMatchObject([
      { type: 'cut', stage: 'batch', ...common },
      { type: 'batch', stage: 'process', node: 'lines', ...common },
    ])
  })

  test('tells of a retry how many items of the batch are not done, whatever else waits', async () => {
    const failing: Record<Acknowledgement, number[]> = { 'all-or-nothing': [], 'best-effort': [], 'last-successful': [] }
    for (const acknowledgement of Object.keys(failing) as Acknowledgement[]) {
      let fails = 1
      const { batcher, events, advance } = batcherOf({ size: 4 }, { acknowledgement }, (items) => {
        const at = items.indexOf(2)
        if (at >= 0 && fails-- > 0) throw new BatchRecordError(at, new Error('not yet'))
      })
      void appendAll(batcher, upTo(7))
      await advance(1_000)
      await batcher.close()
      failing[acknowledgement] = events.flatMap((event) => (event.type === 'retry' ? [event.records] : []))
    }
    expect(failing).toEqual({ 'all-or-nothing': [4], 'best-effort': [4], 'last-successful': [2] })
  })

  test('takes other limits from the next batch on; what is over a new limit is cut at once', async () => {
    const { batcher, batches, advance } = batcherOf({ size: 100, timeoutMs: 60_000 })
    void appendAll(batcher, upTo(5))
    await advance(0)
    batcher.updateBatching({ size: 2 })
    await advance(0)
    expect(batches.map(({ items }) => items)).toEqual([
      [0, 1],
      [2, 3],
    ])
    expect(() => batcher.updateBatching({ sise: 3 } as never)).toThrow('policy.sise is no option; use size.')
    expect(() => batcher.updateBatching({ size: 0, timeoutMs: -1 })).toThrow(/policy\.size is 0.*\n.*policy\.timeoutMs is -1/)
    await batcher.close()
    expect(batches[2]).toEqual({ items: [4], trigger: 'drain' })
  })

  test('tells of a change as an application does, before what is cut by it', async () => {
    const { batcher, events, advance } = batcherOf({ size: 100, timeoutMs: 60_000 }, { name: 'lines' })
    void appendAll(batcher, upTo(5))
    batcher.updateBatching({ size: 5, timeoutMs: undefined })
    await advance(0)
    expect(events.map(({ type }) => type)).toEqual(['batching', 'cut', 'batch'])
    const policy = expect.objectContaining({ size: 5, timeoutMs: 60_000, maxBytes: 1_048_576 }) as unknown
    expect(events[0]).toEqual({ type: 'batching', stage: 'batch', change: { size: 5 }, policies: [{ topic: 'lines', policy }] })
  })

  test('forgets what earlier changes gave as an application does: limits, once a strategy or a preset is named', () => {
    const { batcher, events } = batcherOf({ size: 100, maxRetries: 7 })
    for (const change of [{ size: 5, timeoutMs: 1 }, { strategy: 'time' }, { strategy: 'hybrid' }, { preset: 'balanced' }] as const)
      batcher.updateBatching(change)
    const policies = events.flatMap((event) => (event.type === 'batching' ? event.policies.map(({ policy }) => policy) : []))
    expect(policies.map(({ size, timeoutMs, maxRetries }) => [size, timeoutMs, maxRetries])).toEqual([
      [5, 1, 7],
      [Infinity, 1_000, 7],
      [100, 1_000, 7],
      [250, 5_000, 3],
    ])
  })

  test('may contradict in a later change what an earlier one said, as in a stronger layer', () => {
    const { batcher } = batcherOf({ strategy: 'immediate' })
    for (const change of [{ size: 5 }, { strategy: 'adaptive' }, { adaptive: false }, { minSize: 5, maxSize: 9 }] as const)
      batcher.updateBatching(change)
    expect(() => batcher.updateBatching({ maxSize: 4 })).toThrow('minSize is 5 and maxSize is 4')
    expect(() => batcher.updateBatching(null as never)).toThrow('policy is null; use batch options')
  })

  test('looks at a change once, however many come after it', () => {
    const { batcher } = batcherOf({})
    let reads = 0
    const change = {
      get size() {
        reads++
        return 5
      },
    }
    batcher.updateBatching(change)
    reads = 0
    batcher.updateBatching({ timeoutMs: 5 })
    expect(reads).toBe(0)
  })

  test('lists everything that is wrong at once', () => {
    expect(() => createBatcher({ size: 0 }, () => undefined, { maxInFlightBatches: 0, retry: { factor: 0 } })).toThrow(
      /policy\.size is 0[^]*options\.retry\.factor is 0[^]*options\.maxInFlightBatches is 0/,
    )
    expect(() => createBatcher({ size: 0, timeout: 5 } as never, () => undefined)).toThrow(
      /policy\.size is 0.*\n.*policy\.timeout is no option; use timeoutMs\./,
    )
    expect(() => createBatcher([] as never, () => undefined)).toThrow('policy is an array; use batch options')
    expect(() => createBatcher({}, undefined as never)).toThrow('needs a function')
  })

  test.each([
    ['name', { name: '' }, `options.name is ""; use a text.`],
    ['size of items', { sizeOf: 5 }, 'options.sizeOf is 5; use a function of an item that returns its serialised bytes.'],
    ['answer for all that fails', { giveUp: 'skip' }, `options.giveUp is "skip"; use a function that returns 'fail' or 'skip'.`],
    ['memory', { memory: 1_000 }, 'options.memory is 1000; use a MemoryBudget.'],
    ['observer', { observer: {} }, 'options.observer is an object; use a function that takes an event.'],
    ['logger', { logger: {} }, 'options.logger is an object; use one of pino, or silentLogger.'],
    ['clock', { clock: {} }, 'options.clock is an object; leave it out to use the system clock.'],
    ['misspelt option', { giveup: () => 'skip' }, 'options.giveup is no option; use giveUp.'],
    ['option of the policy', { maxRetries: 5 }, 'options.maxRetries is no option; use name, sizeOf, maxInFlightBatches, memory,'],
    ['list', [], 'options is an array; use an object.'],
  ])('refuses a %s that is none when it is made, with all else that is wrong', (_, options, message) => {
    const make = () => createBatcher({ size: 0 }, () => undefined, options as never)
    expect(make).toThrow(TypeError)
    expect(make).toThrow('policy.size is 0')
    expect(make).toThrow(message)
  })

  test('takes nothing more once it is closed', async () => {
    const { batcher, batches } = batcherOf({ size: 10 })
    void batcher.append(1)
    await batcher.close()
    await batcher.close()
    await expect(batcher.append(2)).rejects.toMatchObject({ code: 'BATCHER_CLOSED' })
    expect(batches).toEqual([{ items: [1], trigger: 'drain' }])
  })

  test('processes each item once and in order, whatever fails for a while and whenever it is flushed', async () => {
    const acts = fc.array(
      fc.oneof(
        { weight: 8, arbitrary: fc.record({ type: fc.constant('append' as const), fails: fc.constantFrom(0, 0, 0, 0, 1, 2, Infinity) }) },
        { weight: 1, arbitrary: fc.constant({ type: 'flush' as const, fails: 0 }) },
        { weight: 2, arbitrary: fc.constant({ type: 'wait' as const, fails: 0 }) },
      ),
      { minLength: 1, maxLength: 40 },
    )
    const how = fc.constantFrom('index' as const, 'outcome' as const)
    const acknowledgement = fc.constantFrom('all-or-nothing' as const, 'best-effort' as const, 'last-successful' as const)
    await fc.assert(
      fc.asyncProperty(acts, how, acknowledgement, fc.integer({ min: 1, max: 6 }), async (sequence, way, kept, size) => {
        const left: number[] = []
        const done: number[] = []
        const skipped: number[] = []
        const { batcher, advance } = batcherOf(
          { size, timeoutMs: 10, maxRetries: 2 },
          { acknowledgement: kept, giveUp: ({ item }) => (skipped.push(item), 'skip') },
          (items) => {
            const bad = items.flatMap((item, index) => ((left[item] as number) > 0 ? [{ index, error: new Error(String(item)) }] : []))
            for (const { index } of bad) left[items[index] as number] = (left[items[index] as number] as number) - 1
            // Effects outside are the user's: he keeps what his outcome does not name, and nothing of what he throws.
            const badItems = new Set(bad.map(({ index }) => index))
            if (bad.length === 0 || (way === 'outcome' && kept === 'best-effort')) done.push(...items.filter((_, i) => !badItems.has(i)))
            if (bad.length > 0 && way === 'index') throw new BatchRecordError(bad[0]?.index as number, bad[0]?.error)
            return { failed: bad }
          },
        )
        for (const { type, fails } of sequence) {
          if (type === 'append') {
            left.push(fails)
            void batcher.append(left.length - 1)
          } else if (type === 'flush') void batcher.flush()
          else await advance(5)
        }
        const closing = batcher.close()
        await advance(100_000)
        await closing
        expect([...done, ...skipped].toSorted((a, b) => a - b)).toEqual(upTo(left.length))
        const inOrder = kept !== 'best-effort' || way === 'index'
        expect(done).toEqual(inOrder ? done.toSorted((a, b) => a - b) : done)
      }),
      { numRuns: 100 },
    )
  })
})
