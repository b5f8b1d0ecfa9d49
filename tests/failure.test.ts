import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inMemory, memory } from 'millrace/memory'
import { TopologyTestDriver } from 'millrace/testing'
import { type FailedRecord, type FailureOptions, serdes, TopologyBuilder } from 'millrace'
import { ACKNOWLEDGEMENTS, HOWS, type How, runFailing } from './support/failing-run.ts'

/** Six records in one batch, of which the third fails whatever is done. */
const bad2 = (how: How) => ({ how, times: new Map([[2, Infinity]]) })
const sixWith = (how: How, failure: FailureOptions) => runFailing({ transport: memory(), count: 6, failing: bad2(how), failure })
const all = [0, 1, 2, 3, 4, 5]
const good = [0, 1, 3, 4, 5]
/** After the whole batch and its two retries: halves, until the bad record stands alone. */
const halved = [[0, 1, 2], [0], [1], [2], [3, 4, 5]]

const CALLS: Record<(typeof ACKNOWLEDGEMENTS)[number], Partial<Record<How, readonly (readonly number[])[]>>> = {
  'all-or-nothing': { throw: [all, all, all, ...halved], index: [all, all, all, good], outcome: [all, all, all, good] },
  'best-effort': {
    throw: [all, all, all, ...halved],
    index: [all, [0, 1], [2], [2], [3, 4, 5]],
    outcome: [all, [2], [2]],
  },
  'last-successful': {
    throw: [all, all, all, ...halved],
    index: [all, [0, 1], [2, 3, 4, 5], [2, 3, 4, 5], [3, 4, 5]],
    outcome: [all, [0, 1], [2, 3, 4, 5], [2, 3, 4, 5], [3, 4, 5]],
  },
}
const CELLS = ACKNOWLEDGEMENTS.flatMap((acknowledgement) =>
  (['throw', 'index', 'outcome'] as const).map((how) => [acknowledgement, how] as const),
)

describe('a batch of which records fail', () => {
  test('is settled with every acknowledgement and way of failing: good records count once and in order, bad ones are dead letters', async () => {
    const times = fc.array(fc.constantFrom(0, 0, 0, 1, 2, 3, Infinity), { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(times, fc.constantFrom(...HOWS), fc.constantFrom(...ACKNOWLEDGEMENTS), async (each, how, acknowledgement) => {
        const failing = { how, times: new Map(each.map((count, value) => [value, count])) }
        const { out, dead, counted, committed, error } = await runFailing({
          transport: memory(),
          count: each.length,
          failing,
          failure: { acknowledgement },
        })
        expect(error).toBeUndefined()
        const all = each.map((_, value) => value)
        const always = all.filter((value) => each[value] === Infinity)
        expect([...out, ...dead].toSorted((a, b) => a - b)).toEqual(all)
        expect(out).toEqual(out.toSorted((a, b) => a - b))
        expect(dead).toEqual(expect.arrayContaining(always))
        // Those that fail no more often than there are retries are no dead letters, where each failure was its own.
        for (const value of dead) expect(each[value]).toBeGreaterThan(0)
        expect(counted).toEqual(new Map(out.map((value) => [value, 1])))
        expect(committed).toBe(each.length)
      }),
      { numRuns: 150 },
    )
  })

  // The cells of the table in docs/failures.md.
  test.each(CELLS)('%s, %s: calls, retries, dead letter, output and commit', async (acknowledgement, how) => {
    const { calls, out, dead, deadHeaders, events, counted, committed, error } = await sixWith(how, { acknowledgement })
    expect(error).toBeUndefined()
    expect(calls).toEqual(CALLS[acknowledgement][how])
    expect(out).toEqual(good)
    expect(dead).toEqual([2])
    expect(counted).toEqual(new Map(good.map((value) => [value, 1])))
    expect(committed).toBe(6)
    expect(events.flatMap((event) => (event.type === 'retry' ? [event.retry] : []))).toEqual([1, 2])
    expect(events.filter(({ type }) => type === 'failure')).toMatchObject([
      { stage: 'process', policy: 'dead-letter', node: 'work', partition: 0, offset: 2, attempts: 3 },
    ])
    const headers = deadHeaders[0] as ReadonlyMap<string, string>
    expect(headers.get('__streams.errors.offset')).toBe('2')
    expect(headers.get('__streams.errors.message')).toBe('2 is bad')
    expect(headers.get('millrace.stage')).toBe('process')
    expect(headers.get('millrace.node')).toBe('work')
    expect(headers.get('millrace.attempts')).toBe('3')
    expect(headers.get('millrace.batch.size')).toBe('6')
    expect(headers.get('millrace.batch.index')).toBe('2')
  })

  test.each([
    ['all-or-nothing', [], 0],
    ['best-effort', [], 0],
    ['last-successful', [0, 1], 2],
  ] as const)(
    "%s: where the policy is 'fail', the application stops and names the record; what may be committed is",
    async (acknowledgement, out, committed) => {
      const ran = await sixWith('index', { acknowledgement, process: 'fail' })
      expect(ran.error).toMatchObject({ code: 'PROCESSING_FAILED', node: 'work', offset: 2 })
      expect(ran.out).toEqual(out)
      expect(ran.dead).toEqual([])
      expect(ran.committed).toBe(committed)
    },
  )

  test.each(HOWS)('skips a record if it is to, and leaves no trace of it: %s', async (how) => {
    const { out, dead, counted, committed, events } = await sixWith(how, { process: 'skip' })
    expect([out, dead, committed]).toEqual([good, [], 6])
    expect(counted.has(2)).toBe(false)
    expect(events.filter(({ type }) => type === 'failure')).toMatchObject([{ policy: 'skip', offset: 2 }])
  })

  test('asks a handler about each record', async () => {
    const asked: FailedRecord[] = []
    const { out, dead, error } = await runFailing({
      transport: memory(),
      count: 6,
      failing: { how: 'outcome', times: new Map([1, 2, 4].map((value) => [value, Infinity])) },
      failure: {
        process: async (record) => {
          asked.push(record)
          return record.offset === 2 ? 'skip' : 'dead-letter'
        },
      },
    })
    expect(error).toBeUndefined()
    expect(out).toEqual([0, 3, 5])
    expect(dead).toEqual([1, 4])
    expect(asked.map(({ offset, index, attempts, batchSize, stage, node }) => [offset, index, attempts, batchSize, stage, node])).toEqual(
      [1, 2, 4].map((offset) => [offset, offset, 3, 6, 'process', 'work']),
    )
    expect(asked[0]?.value).toEqual(new Uint8Array([0, 0, 0, 1]))
    expect(asked[0]?.error).toMatchObject({ message: '1 is bad' })
  })

  test('a handler that answers something else stops the application, and says what it may answer', async () => {
    const { error } = await sixWith('index', { process: (() => 'retry') as never })
    expect(error).toMatchObject({
      message: "The failure handler of stage 'process' returned retry; return 'fail', 'skip' or 'dead-letter'.",
    })
  })

  test('is handed to the hook, with or without a topic; a hook that throws stops the application before the commit', async () => {
    const handled: [number, unknown][] = []
    const handleDeadLetter = (record: FailedRecord, error: unknown) => void handled.push([record.offset, error])
    const without = await sixWith('throw', { deadLetter: {}, handleDeadLetter })
    expect([without.out, without.dead]).toEqual([good, []])
    const both = await sixWith('throw', { handleDeadLetter })
    expect([both.out, both.dead]).toEqual([good, [2]])
    expect(handled).toMatchObject([
      [2, { message: '2 is bad' }],
      [2, { message: '2 is bad' }],
    ])
    const refused = await sixWith('throw', { handleDeadLetter: () => Promise.reject(new Error('no room')) })
    expect(refused.error).toMatchObject({ message: 'no room' })
    expect([refused.out, refused.dead, refused.committed]).toEqual([[], [], 0])
  })

  test('that can not be retried is given up at once', async () => {
    const { calls, deadHeaders } = await sixWith('index', { retry: { nonRetryable: [Error] } })
    expect(calls).toEqual([all, good])
    expect(deadHeaders[0]?.get('millrace.attempts')).toBe('1')
  })

  test.each(['throw', 'index', 'outcome'] as const)('halves a size that adapts, though a retry helps: %s', async (how) => {
    const { calls } = await runFailing({
      transport: memory(),
      count: 400,
      failing: { how, times: new Map([[100, 1]]) },
      failure: {},
      overrides: { batch: { strategy: 'adaptive', targetLatencyMs: 3_600_000 } },
    })
    expect(calls.slice(0, 9).map(({ length }) => length)).toEqual([1, 2, 4, 8, 16, 32, 64, 64, 32])
  })

  test('waits 100, 200, 400 ms before jitter, and the first of them as long as is said', async () => {
    const { events } = await runFailing({
      transport: memory(),
      count: 1,
      failing: { how: 'throw', times: new Map([[0, 3]]) },
      failure: { retry: { jitter: 0, maxDelayMs: 250 } },
      overrides: { batch: { size: 1, maxRetries: 3 } },
    })
    expect(events.flatMap((event) => (event.type === 'retry' ? [event.delayMs] : []))).toEqual([100, 200, 250])
  })

  test('in a topic for dead letters that does not exist: the application does not start, or stops before the commit, and names it', async () => {
    const named = sixWith('index', { deadLetter: { topic: 'nowhere' } })
    await expect(named).rejects.toMatchObject({ code: 'TOPIC_MISSING', topic: 'nowhere' })
    const chosen = await sixWith('index', { deadLetter: { topic: ({ topic }) => `${topic}-nowhere` } })
    expect(chosen.error).toMatchObject({ code: 'TOPIC_MISSING' })
    expect([chosen.out, chosen.committed]).toEqual([[], 0])
  })

  test('what a failed attempt has started and not awaited has no effect on the next one', async () => {
    const counts = inMemory.keyValueStore({ name: 'counts', key: serdes.int32, value: serdes.int32 })
    const strays: unknown[] = []
    const started: Promise<void>[] = []
    let attempts = 0
    const builder = new TopologyBuilder('strays')
    builder
      .source('in', { topics: ['in'], key: serdes.string, value: serdes.int32 })
      .process<string, number>('work', {
        create: () => ({
          async processBatch(batch, context) {
            const attempt = ++attempts
            const store = context.store(counts)
            const each = batch.values.map(async (value, i) => {
              for (let turn = 0; turn < i * 3; turn++) await new Promise((resolve) => setImmediate(resolve))
              if (attempt === 1 && i === 0) throw new Error('the first fails at once')
              store.set(value, (store.get(value) ?? 0) + 1)
              context.forward({ ...batch.record(i), value })
            })
            started.push(...each.map((one) => one.catch((error: unknown) => void strays.push(error))))
            await Promise.all(each)
          },
        }),
        stores: [counts],
      })
      .sink('out', { topic: 'out', key: serdes.string, value: serdes.int32 })
    await using driver = await TopologyTestDriver.start(builder.build(), { batchSize: 3 })
    const input = driver.input('in', { key: serdes.string, value: serdes.int32 })
    await input.sendAll([1, 2, 3].map((value) => ({ key: 'k', value })))
    await Promise.all(started)
    const out = await driver.output('out', { key: serdes.string, value: serdes.int32 }).readAll()
    expect(out.map(({ value }) => value)).toEqual([1, 2, 3])
    expect(await Promise.all([1, 2, 3].map((value) => driver.store(counts).get(value)))).toEqual([1, 1, 1])
    expect(attempts).toBe(2)
    expect(strays.map(String)).toEqual([
      'Error: the first fails at once',
      expect.stringContaining('in an attempt that has failed'),
      expect.stringContaining('in an attempt that has failed'),
    ])
  })
})

test.each([[undefined], [''], [5]])(
  'a topic of dead letters that a function gives as %j stops the application, and nothing is committed',
  async (topic) => {
    const { error, committed, dead } = await sixWith('index', {
      deadLetter: { topic: () => topic as unknown as string },
    })
    expect(String(error)).toContain(`failure.deadLetter.topic returned ${String(topic)} for the record at`)
    expect(committed ?? 0).toBe(0)
    expect(dead).toEqual([])
  },
)
