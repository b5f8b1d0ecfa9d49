import { ManualClock, type OpenOutsideSink, silentLogger, type StagedRecord } from '@millrace/core'
import { expect, test, vi } from 'vitest'
import { bulkRows, type BulkRowsOptions } from '../src/index.ts'
import { Ledger } from './support/ledger.ts'
import { gate, numbers, Refusal, settled } from './support/shelf.ts'

const never = new AbortController().signal
const start = (partition = 0, topicId = 'one') => [{ topic: 't', partition, offset: 0, begin: 0, end: 1_000, topicId }]
/** Each record has a row in `a`, of its offset; `more` gives it others. */
const records = (
  from: number,
  to: number,
  { partition = 0, more }: { readonly partition?: number; readonly more?: (id: number) => string[] } = {},
): StagedRecord[] =>
  numbers(to - from).map((i) => {
    const id = from + i
    const staged = ['a', ...(more?.(id) ?? [])].map((table) => ({ table, row: { id }, bytes: 10 }))
    return { topic: 't', partition, offset: id, timestamp: 0, staged }
  })

async function opened(ledger: Ledger, options: Partial<BulkRowsOptions<string, number>> = {}) {
  const clock = new ManualClock()
  const refused: number[] = []
  const rows = bulkRows<string, number>({
    ...{
      driver: ledger.driver,
      environment: {},
      tables: { a: { batchSize: 100 }, b: { batchSize: 100 } },
      rows: () => [],
      exactlyOnce: true,
    },
    ...options,
  })
  const refuse = async ({ offset }: { readonly offset: number }) => void refused.push(offset)
  const sink = await rows.open({ applicationId: 'app', node: 'rows', clock, logger: silentLogger, refuse })
  return { sink, clock, refused, rows, metrics: () => rows.metrics() }
}

async function committed(sink: OpenOutsideSink<string, number>, offset: number, flush = true): Promise<number | undefined> {
  const [answer] = await sink.prepare([{ topic: 't', partition: 0, offset }], { flush, signal: AbortSignal.timeout(20_000) })
  return answer?.offset
}

test('rows of a table are stored in the order of offsets, whatever priorities they, and their table, have', async () => {
  const ledger = new Ledger()
  const { sink, rows } = await opened(ledger)
  await sink.assign(start(), never)
  const urgent = (record: StagedRecord, i: number) => ({
    ...record,
    staged: (record.staged as readonly object[]).map((row) => (i % 3 === 0 ? { ...row, priority: 1 } : row)),
  })
  sink.accept(records(0, 10).map(urgent))
  rows.updateConfig({ tables: { a: { priority: 2 } } })
  sink.accept(records(10, 20).map(urgent))
  expect(await committed(sink, 20)).toBe(20)
  expect(ledger.ids('a')).toEqual(numbers(20))
})

test('a claim of the former owner that comes late shuts out the present one for no longer than two commits of the group', async () => {
  const ledger = new Ledger()
  const [former, owner] = [await opened(ledger), await opened(ledger)]
  const slow = gate()
  ledger.claims = () => slow.opened
  const late = former.sink.assign(start(), never)
  await settled()
  ledger.claims = async () => undefined
  await owner.sink.assign(start(), never)
  owner.sink.accept(records(0, 10))
  expect(await committed(owner.sink, 10)).toBe(10)
  slow.open()
  await late
  owner.sink.accept(records(10, 20))
  // The group lets nobody commit this who is not its member.
  expect(await committed(owner.sink, 20)).toBe(10)
  expect(await committed(owner.sink, 20)).toBe(10)
  owner.sink.accept(records(20, 30))
  await settled()
  expect(await committed(owner.sink, 30)).toBe(30)
  expect(ledger.ids('a')).toEqual(numbers(30))
  // The former owner had found that ten were stored.
  former.sink.accept(records(0, 15))
  expect(await committed(former.sink, 15)).toBe(10)
  former.sink.revoke(start())
  await settled()
  expect(former.metrics().batching).toMatchObject({ queued_items: 0, memory_usage_mb: 0 })
  expect(ledger.ids('a')).toEqual(numbers(30))
})

test('a claim that is answered when its task is over already takes nothing from the task that follows here', async () => {
  const ledger = new Ledger()
  const { sink } = await opened(ledger)
  const slow = gate()
  ledger.claims = () => slow.opened
  const ending = new AbortController()
  const late = sink.assign(start(), ending.signal)
  await settled()
  ending.abort(new Error('the task is over'))
  sink.revoke(start())
  ledger.claims = async () => undefined
  await sink.assign(start(), never)
  sink.accept(records(0, 10))
  slow.open()
  await expect(late).rejects.toThrow('the task is over')
  expect(await committed(sink, 10)).toBe(10)
  expect(ledger.ids('a')).toEqual(numbers(10))
})

test('a partition that is taken away while a transaction with it is under way goes on where that ends', async () => {
  const ledger = new Ledger()
  const { sink } = await opened(ledger)
  await sink.assign(start(), never)
  const held = gate()
  ledger.before = ({ rows }) => (rows[0]?.['id'] === 0 ? held.opened : undefined)
  sink.accept(records(0, 250))
  const flushing = committed(sink, 250)
  await settled()
  sink.revoke(start())
  const again = sink.assign(start(), never)
  held.open()
  await Promise.all([again, flushing])
  sink.accept(records(0, 260))
  expect(await committed(sink, 260)).toBe(260)
  expect(ledger.ids('a')).toEqual(numbers(260))
})

test('a transaction that takes too long is tried again with fewer rows, each record’s together, until all are in', async () => {
  const ledger = new Ledger()
  const { sink, clock } = await opened(ledger, { insertTimeoutMs: 1_000 })
  await sink.assign([...start(0), ...start(1)], never)
  let rows = 0
  ledger.before = async ({ rows: inserted }) => {
    rows += inserted.length
    if (rows > 30) await gate().opened
  }
  sink.accept(records(0, 60, { more: (id) => (id % 2 === 0 ? ['b'] : []) }))
  sink.accept(records(0, 40, { partition: 1 }))
  const flushing = committed(sink, 60)
  for (let second = 0; second < 60; second++) {
    await clock.advance(1_000, settled)
    rows = 0
  }
  expect(await flushing).toBe(0)
  for (let second = 0; second < 60; second++) {
    await clock.advance(1_000, settled)
    rows = 0
  }
  expect(await committed(sink, 60)).toBe(60)
  expect([...ledger.ids('a')].map(Number).sort((x, y) => x - y)).toEqual([...numbers(60), ...numbers(40)].sort((x, y) => x - y))
  expect(ledger.ids('b')).toEqual(numbers(30).map((i) => 2 * i))
  expect(Math.max(...ledger.commits)).toBeLessThanOrEqual(30)
})

test('who waits for a commit waits for what was there when he asked, however much comes in meanwhile', async () => {
  const ledger = new Ledger()
  const { sink } = await opened(ledger, { tables: { a: { batchSize: 10 } } })
  await sink.assign(start(), never)
  let next = 10
  ledger.before = async () => {
    await settled()
    // There is always enough for another transaction.
    sink.accept(records(next, next + 10))
    next += 10
  }
  sink.accept(records(0, 10))
  expect(await committed(sink, 10)).toBe(10)
  expect(next).toBeLessThan(60)
  await sink.close()
})

test('rows that refer to others come after these; one whose row is nowhere is given up, and nothing else is', async () => {
  const ledger = new Ledger()
  const { sink, refused } = await opened(ledger, { tables: { a: { retries: 0 }, b: {} } })
  await sink.assign(start(), never)
  ledger.before = ({ table, rows }, ids) => {
    if (table === 'a' && rows.some(({ id }) => !ids('b').includes(id))) throw new Refusal('reference')
  }
  sink.accept(records(0, 20, { more: (id) => (id === 13 ? [] : ['b']) }))
  expect(await committed(sink, 20)).toBe(20)
  expect(refused).toEqual([13])
  expect(ledger.ids('a')).toEqual(numbers(20).filter((id) => id !== 13))
})

test('of a topic that was made anew nothing is taken for stored', async () => {
  const ledger = new Ledger()
  for (const id of ['one', 'two']) {
    const { sink } = await opened(ledger)
    await sink.assign(start(0, id), never)
    sink.accept(records(0, 10))
    expect(await committed(sink, 10)).toBe(10)
    expect(() => sink.accept([{ ...(records(0, 1)[0] as StagedRecord), offset: -1 }])).toThrow('it takes no rows of punctuators')
  }
  expect(ledger.ids('a')).toEqual([...numbers(10), ...numbers(10)])
})

test('circuit breakers of tables open while the database is away, and close when a transaction goes well', async () => {
  const ledger = new Ledger()
  const { sink, clock, metrics } = await opened(ledger)
  await sink.assign(start(), never)
  let away = true
  ledger.begins = async () => {
    if (away) throw new Refusal('server')
  }
  sink.accept(records(0, 10, { more: () => ['b'] }))
  expect(await committed(sink, 10)).toBe(0)
  for (let second = 0; second < 60; second++) await clock.advance(1_000, settled)
  expect([...(sink.circuits ?? [])]).toEqual([
    ['a', 'open'],
    ['b', 'open'],
  ])
  // Once for each 5 s that they are open, after the first few.
  expect(metrics().retry_attempt).toBeLessThan(20)
  away = false
  await clock.advance(6_000, settled)
  expect(await committed(sink, 10)).toBe(10)
  expect([...(sink.circuits ?? [])]).toEqual([])
  // The same when it is one table that can't be written.
  let missing = true
  ledger.before = ({ table }) => {
    if (missing && table === 'b') throw new Refusal('server')
  }
  sink.accept(records(10, 20, { more: () => ['b'] }))
  expect(await committed(sink, 20)).toBe(10)
  for (let second = 0; second < 20; second++) await clock.advance(1_000, settled)
  expect([...(sink.circuits ?? [])]).toEqual([['b', 'open']])
  missing = false
  await clock.advance(6_000, settled)
  expect(await committed(sink, 20)).toBe(20)
  expect([...(sink.circuits ?? [])]).toEqual([])
  expect(ledger.ids('b')).toEqual(numbers(20))
})

test('of tables whose size adapts as many rows go into a transaction as take the target latency', async () => {
  const ledger = new Ledger()
  const { sink, clock } = await opened(ledger, {
    tables: { a: { strategy: 'adaptive', batchSize: 1_000, targetLatencyMs: 100, batchTimeMs: 0 } },
  })
  await sink.assign(start(), never)
  ledger.before = ({ rows }) => clock.advance(rows.length)
  for (let from = 0; from < 1_000; from += 100) sink.accept(records(from, from + 100))
  while ((await committed(sink, 1_000)) !== 1_000) await settled()
  expect(ledger.ids('a')).toEqual(numbers(1_000))
  expect(ledger.commits[0]).toBe(1)
  expect(Math.max(...ledger.commits)).toBeGreaterThan(20)
  expect(Math.max(...ledger.commits)).toBeLessThan(250)
})

test('rows whose batches fail, and they do not, go in one by one for a while within transactions, unless that is turned off', async () => {
  for (const directFallback of [true, false]) {
    const ledger = new Ledger()
    const { sink, clock } = await opened(ledger, { directFallback, tables: { a: { retries: 0 } } })
    await sink.assign(start(), never)
    const sizes: number[] = []
    ledger.before = ({ rows }) => {
      sizes.push(rows.length)
      if (rows.length > 1) throw new Refusal('unknown')
    }
    sink.accept(records(0, 10))
    expect(await committed(sink, 10)).toBe(10)
    sizes.length = 0
    sink.accept(records(10, 20))
    expect(await committed(sink, 20)).toBe(20)
    expect(Math.max(...sizes)).toBe(directFallback ? 1 : 10)
    await clock.advance(10_000, settled)
    expect(ledger.ids('a')).toEqual(numbers(20))
  }
})

test('a claim that nobody waits for any more is given up', async () => {
  const ledger = new Ledger()
  const { sink } = await opened(ledger)
  let given: AbortSignal | undefined
  ledger.claims = (signal) => {
    given = signal
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Refusal('server', 'cancelled'))))
  }
  const taken = new AbortController()
  const assigning = sink.assign(start(), taken.signal)
  await settled()
  taken.abort()
  await expect(assigning).rejects.toMatchObject({ code: 'SINK_AWAY' })
  expect(given?.aborted).toBe(true)
  const closing = sink.assign(start(), never)
  await settled()
  await sink.close()
  await expect(closing).rejects.toMatchObject({ code: 'SINK_AWAY' })
})

test('what comes after an insert is called with what a transaction has stored, and its failure repeats none; settings change at run time', async () => {
  const ledger = new Ledger()
  const after: number[] = []
  const { sink, rows, metrics } = await opened(ledger, {
    afterInsert: ({ rows: stored }) => {
      after.push(stored.length)
      if (after.length === 1) throw new Error('could not be published')
    },
  })
  await sink.assign(start(), never)
  sink.accept(records(0, 10))
  expect(await committed(sink, 10)).toBe(10)
  expect([after, metrics().post_process_errors]).toEqual([[10], 1])
  rows.updateConfig({ tables: { a: { batchSize: 5 } } })
  sink.accept(records(10, 15))
  await settled()
  expect([ledger.ids('a'), after]).toEqual([numbers(15), [10, 5]])
})

test('a partition whose claim was lost keeps no transaction going, however many of its rows are taken', async () => {
  const ledger = new Ledger()
  const tables = { a: { strategy: 'adaptive', batchSize: 10, batchTimeMs: 0 } } as const
  const [former, owner] = [await opened(ledger, { tables }), await opened(ledger, { tables })]
  for (const { sink } of [former, owner]) await sink.assign([...start(), ...(sink === former.sink ? start(1) : [])], never)
  let begun = 0
  ledger.begins = async () => {
    // The event loop would stand still, and nothing could end the test.
    if (++begun > 100) throw new Error('it goes round')
  }
  former.sink.accept(records(0, 50))
  former.sink.accept(records(0, 25, { partition: 1 }))
  expect(await committed(former.sink, 50)).toBe(0)
  for (let turn = 0; turn < 50; turn++) await settled()
  expect(ledger.ids('a')).toEqual(numbers(25))
  expect(begun).toBeLessThan(40)
})

test('rows that are committed while their partition is taken away are told to what comes after; those given up are counted', async () => {
  const ledger = new Ledger()
  const after: unknown[] = []
  const { sink, refused, metrics } = await opened(ledger, {
    afterInsert: ({ rows }) => void after.push(...rows.map(({ id }) => id)),
  })
  await sink.assign(start(), never)
  const held = gate()
  ledger.committed = () => held.opened
  ledger.before = ({ rows }) => {
    if (rows.some(({ id }) => id === 3)) throw new Refusal('rows')
  }
  sink.accept(records(0, 5))
  const flushing = committed(sink, 5)
  await settled()
  sink.revoke(start())
  held.open()
  await flushing
  await settled()
  expect([ledger.ids('a'), after, refused]).toEqual([[0, 1, 2, 4], [0, 1, 2, 4], [3]])
  expect(metrics()).toMatchObject({ rejected_events: 1, total_events_inserted: 4, flush_type: 'commit', batching: { queued_items: 0 } })
})

test('transactions leave nothing on the signal of the sink, which lives as long as that; closing it ends the one under way', async () => {
  const ledger = new Ledger()
  const { sink } = await opened(ledger)
  await sink.assign(start(), never)
  using any = vi.spyOn(AbortSignal, 'any')
  for (const part of numbers(5)) {
    sink.accept(records(10 * part, 10 * part + 10))
    expect(await committed(sink, 10 * part + 10)).toBe(10 * part + 10)
  }
  expect(any).not.toHaveBeenCalled()
  const begun = gate()
  ledger.before = async () => {
    begun.open()
    await gate().opened
  }
  sink.accept(records(50, 60))
  const committing = committed(sink, 60)
  await begun.opened
  await sink.close()
  expect(await committing).toBe(50)
  expect(ledger.ids('a')).toEqual(numbers(50))
})
