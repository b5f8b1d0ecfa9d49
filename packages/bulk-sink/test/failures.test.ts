import { ManualClock, silentLogger } from '@millrace/core'
import { expect, test, vi } from 'vitest'
import { createBulkSink, type RefusedRow, type StandaloneSinkOptions } from '../src/index.ts'
import { gate, numbers, Refusal, settled, Shelf } from './support/shelf.ts'

function sinkOf(shelf: Shelf, clock: ManualClock, options: Partial<StandaloneSinkOptions> = {}) {
  return createBulkSink({
    driver: shelf.driver,
    clock,
    environment: {},
    closeTimeoutMs: 0,
    logger: silentLogger,
    tables: { t: { strategy: 'size', batchSize: 100 } },
    ...options,
  })
}

test('a server that is away is waited for, with an open circuit, and is nobody else’s fault', async () => {
  const [shelf, clock] = [new Shelf(), new ManualClock()]
  const refused: RefusedRow[] = []
  await using sink = sinkOf(shelf, clock, { deadLetter: (row) => void refused.push(row) })
  let away = true
  shelf.before = () => {
    if (away) throw new Refusal('server')
  }
  for (const id of numbers(100)) await sink.write('t', { id })
  await settled()
  await clock.advance(60_000, settled)
  const tries = shelf.inserts.length
  // With waits that grow to 5 s, and one try for each 5 s of an open circuit.
  expect(tries).toBeGreaterThan(8)
  expect(tries).toBeLessThan(25)
  expect(sink.metrics()).toMatchObject({
    open_circuits: ['t'],
    retry_attempt: tries,
    batching: { failed_batches: tries, queued_items: 100 },
  })
  away = false
  await clock.advance(6_000, settled)
  expect(shelf.ids('t')).toEqual(numbers(100))
  expect(sink.metrics()).toMatchObject({
    open_circuits: [],
    batching: { queued_items: 0, memory_usage_mb: 0 },
    calculated: { batch_success_rate: 0 },
  })
  expect(refused).toEqual([])
})

test('memory is bounded while the server is away: who writes waits, and goes on when there is room', async () => {
  const [shelf, clock] = [new Shelf(), new ManualClock()]
  await using sink = sinkOf(shelf, clock, { maxMemoryMb: 2, tables: { t: { maxMemoryMb: 1 }, u: { maxMemoryMb: 5 } } })
  let away = true
  shelf.before = () => {
    if (away) throw new Refusal('server')
  }
  const text = 'x'.repeat(10_000)
  let written = 0
  const writing = Promise.all(
    numbers(10).map(async (writer) => {
      for (const i of numbers(50)) {
        await sink.write('t', { id: 50 * writer + i, text })
        written++
      }
    }),
  )
  await settled()
  expect(written).toBeLessThan(110)
  // A table that is full keeps no other from its share.
  for (const id of numbers(80)) await sink.write('u', { id, text })
  const { batching } = sink.metrics()
  expect(batching.memory_usage_mb).toBeGreaterThan(1)
  expect(batching.memory_usage_mb).toBeLessThan(2)
  away = false
  for (let second = 0; second < 60 && written < 500; second++) await clock.advance(1_000, settled)
  await writing
  await sink.flush()
  expect(new Set(shelf.ids('t'))).toEqual(new Set(numbers(500)))
  expect(shelf.ids('t')).toHaveLength(500)
})

test('a sink that was given no logger says on standard error what became of rows', async () => {
  const [shelf, clock, lines] = [new Shelf(), new ManualClock(), [] as unknown[]]
  using _ = vi.spyOn(process.stderr, 'write').mockImplementation((line) => {
    lines.push(JSON.parse(String(line)))
    return true
  })
  const sink = sinkOf(shelf, clock, { tables: { t: { retries: 0 }, u: {} }, logger: undefined })
  shelf.before = ({ table }) => {
    throw new Refusal(table === 't' ? 'unknown' : 'server', `no index of ${table}`)
  }
  await sink.write('t', { id: 1n })
  await sink.write('u', { id: 2 })
  const closing = sink.close()
  await settled()
  await clock.advance(0, settled)
  expect(await closing).toEqual({ stored: 0, rejected: 1, left: 1 })
  expect(lines).toMatchObject([
    {
      msg: 'a row can not be stored',
      table: 't',
      row: { id: 1 },
      err: { message: expect.stringContaining("An insert into 't' failed: no index of t") as string },
    },
    { msg: 'an insert failed and is tried again', table: 'u', err: { message: expect.stringContaining('no index of u') as string } },
    { msg: 'rows were not stored before the sink was closed', left: 1, rejected: 1 },
  ])
})

test('tables that are stuck leave room to one that is not, within the memory of all', async () => {
  const [shelf, clock] = [new Shelf(), new ManualClock()]
  const tables = { missing: { maxMemoryMb: 2 }, locked: { maxMemoryMb: 1 }, good: {} }
  const sink = sinkOf(shelf, clock, { maxMemoryMb: 2, tables })
  shelf.before = ({ table }) => {
    if (table !== 'good') throw new Refusal('server')
  }
  const text = 'x'.repeat(10_000)
  const waiting = Promise.allSettled(['missing', 'locked'].flatMap((table) => numbers(200).map((id) => sink.write(table, { id, text }))))
  await settled()
  const stored = (async () => {
    for (const id of numbers(100)) await sink.write('good', { id, text })
    await sink.close()
    return shelf.ids('good')
  })()
  for (let second = 0; second < 60; second++) await clock.advance(1_000, settled)
  expect(await stored).toEqual(numbers(100))
  expect(sink.metrics().batching.memory_usage_mb).toBeLessThan(2.02)
  await waiting
})

test('each try of a batch has the same token, and no other batch of any sink ever has it', async () => {
  const [shelf, clock] = [new Shelf(), new ManualClock()]
  const tokens = () => shelf.inserts.map(({ token }) => token)
  let away = 2
  shelf.before = () => {
    if (away-- > 0) throw new Refusal('server')
  }
  for (const restart of [0, 1]) {
    await using sink = sinkOf(shelf, clock)
    for (const id of numbers(200)) await sink.write('t', { id: 200 * restart + id })
    await settled()
    await clock.advance(10_000, settled)
  }
  expect(shelf.ids('t')).toHaveLength(400)
  expect(tokens()).toHaveLength(6)
  expect(new Set(tokens()).size).toBe(4)
})

test('only the rows that are at fault are given up; the others of their batch are stored once', async () => {
  const [shelf, clock] = [new Shelf(), new ManualClock()]
  const refused: RefusedRow[] = []
  await using sink = sinkOf(shelf, clock, { deadLetter: (row) => void refused.push(row) })
  const bad = new Set<unknown>([0, 41, 42, 99])
  shelf.before = ({ rows }) => {
    if (rows.some(({ id }) => bad.has(id))) throw new Refusal('rows', 'no such value')
  }
  for (const id of numbers(100)) await sink.write('t', { id })
  await settled()
  expect(shelf.ids('t')).toHaveLength(96)
  expect(new Set(shelf.ids('t'))).toEqual(new Set(numbers(100).filter((id) => !bad.has(id))))
  expect(refused.map(({ row, error }) => [row['id'], error.message])).toEqual(
    [0, 41, 42, 99].map((id) => [id, "An insert into 't' failed: no such value"]),
  )
  expect(sink.metrics()).toMatchObject({ rejected_events: 4, total_events_inserted: 96, batching: { queued_items: 0 } })
})

test('a server that goes away while a batch is taken apart: what was stored of it is not stored again', async () => {
  const [shelf, clock] = [new Shelf(), new ManualClock()]
  await using sink = sinkOf(shelf, clock)
  let left = 3
  shelf.before = ({ rows }) => {
    if (rows.some(({ id }) => id === 80)) throw new Refusal('rows')
    if (left-- === 0) throw new Refusal('server')
  }
  for (const id of numbers(100)) await sink.write('t', { id })
  await settled()
  await clock.advance(1_000, settled)
  expect(shelf.ids('t')).toHaveLength(99)
  expect(new Set(shelf.ids('t'))).toEqual(new Set(numbers(100).filter((id) => id !== 80)))
})

test.each([
  [true, 1],
  [false, 10],
])('where batches fail and their rows do not, rows go in one by one for a while: %s', async (directFallback, largest) => {
  const [shelf, clock] = [new Shelf(), new ManualClock()]
  await using sink = sinkOf(shelf, clock, { directFallback, tables: { t: { strategy: 'size', batchSize: 10, retries: 1 } } })
  let broken = true
  shelf.before = ({ rows }) => {
    if (broken && rows.length > 1) throw new Refusal('unknown')
  }
  for (const id of numbers(10)) await sink.write('t', { id })
  await settled()
  await clock.advance(200, settled)
  expect(shelf.ids('t')).toEqual(numbers(10))
  shelf.inserts.length = 0
  for (const id of numbers(10)) await sink.write('t', { id: 10 + id })
  await settled()
  await clock.advance(200, settled)
  expect(Math.max(...shelf.sizes)).toBe(largest)
  broken = false
  await clock.advance(5_000, settled)
  shelf.inserts.length = 0
  for (const id of numbers(10)) await sink.write('t', { id: 20 + id })
  await settled()
  expect(shelf.sizes).toEqual([10])
  expect(shelf.ids('t')).toEqual(numbers(30))
})

test('an insert that takes too long counts as failed; close waits so long and no longer, and says what is left', async () => {
  const [shelf, clock] = [new Shelf(), new ManualClock()]
  const sink = sinkOf(shelf, clock, { insertTimeoutMs: 1_000, closeTimeoutMs: 5_000 })
  const never = gate()
  shelf.before = () => never.opened
  for (const id of numbers(100)) await sink.write('t', { id })
  await settled()
  await clock.advance(1_500, settled)
  expect(shelf.inserts.length).toBe(2)
  expect(shelf.inserts[0]?.signal.aborted).toBe(true)
  const closing = sink.close()
  await clock.advance(5_000, settled)
  expect(await closing).toEqual({ stored: 0, rejected: 0, left: 100 })
  expect(shelf.closed).toBe(true)
  await expect(sink.write('t', { id: 1 })).rejects.toMatchObject({ code: 'SINK_CLOSED' })
})

test('what comes after an insert is called once for its rows, and its failure repeats no insert', async () => {
  const [shelf, clock] = [new Shelf(), new ManualClock()]
  const after: unknown[] = []
  await using sink = sinkOf(shelf, clock, {
    afterInsert: ({ table, rows }) => {
      after.push([table, rows.length])
      if (after.length === 1) throw new Error('could not be published')
    },
  })
  for (const id of numbers(200)) await sink.write('t', { id })
  await settled()
  expect(after).toEqual([
    ['t', 100],
    ['t', 100],
  ])
  expect(shelf.ids('t')).toEqual(numbers(200))
  expect(sink.metrics()).toMatchObject({ post_process_errors: 1, total_events_inserted: 200 })
})

test('no more inserts at once than are allowed', async () => {
  const [shelf, clock] = [new Shelf(), new ManualClock()]
  await using sink = sinkOf(shelf, clock, { maxConcurrentInserts: 2, tables: { t: { strategy: 'size', batchSize: 10 } } })
  let [now, most] = [0, 0]
  shelf.before = async () => {
    most = Math.max(most, ++now)
    await settled()
    now--
  }
  for (const id of numbers(100)) await sink.write('t', { id })
  await sink.flush()
  expect(most).toBe(2)
  expect(new Set(shelf.ids('t'))).toEqual(new Set(numbers(100)))
})

test('a step after an insert that never ends holds up nothing for longer than an insert may', async () => {
  const [shelf, clock] = [new Shelf(), new ManualClock()]
  await using sink = sinkOf(shelf, clock, {
    maxConcurrentInserts: 1,
    insertTimeoutMs: 1_000,
    afterInsert: ({ rows }) => (rows[0]?.['id'] === 0 ? gate().opened : undefined),
  })
  for (const id of numbers(200)) await sink.write('t', { id })
  await settled()
  expect(shelf.ids('t')).toHaveLength(100)
  await clock.advance(1_000, settled)
  expect(shelf.ids('t')).toEqual(numbers(200))
  expect(sink.metrics()).toMatchObject({ post_process_errors: 1, total_events_inserted: 200 })
})

test('rows are counted once each, whichever try stored them, and whatever other batches do meanwhile', async () => {
  const [shelf, clock] = [new Shelf(), new ManualClock()]
  const held = gate()
  await using sink = sinkOf(shelf, clock, {
    tables: { t: { strategy: 'size', batchSize: 10 }, u: { strategy: 'size', batchSize: 10 } },
    deadLetter: () => undefined,
  })
  let away = 1
  shelf.before = async ({ table, rows }) => {
    if (table === 'u') await held.opened
    if (table === 't' && rows.some(({ id }) => id === 3)) throw new Refusal('rows')
    // After a part of the batch was stored.
    if (table === 't' && rows.some(({ id }) => id === 9) && rows.length < 6 && away-- > 0) throw new Refusal('server')
  }
  for (const id of numbers(10)) {
    await sink.write('u', { id })
    await sink.write('t', { id })
  }
  await settled()
  await clock.advance(10_000, settled)
  held.open()
  await sink.flush()
  expect(sink.metrics()).toMatchObject({ total_events_inserted: 19, rejected_events: 1, batch_size: 10, batching: { total_batches: 2 } })
})

test('a row that refers to one of another table waits until that is stored; one whose row never comes is given up alone', async () => {
  const [shelf, clock] = [new Shelf(), new ManualClock()]
  const refused: unknown[] = []
  await using sink = sinkOf(shelf, clock, {
    tables: {
      parents: { strategy: 'size', batchSize: 1_000, maxWaitMs: 3_600_000 },
      children: { strategy: 'size', batchSize: 10, retries: 1 },
    },
    deadLetter: ({ table, row }) => void refused.push([table, row['id']]),
  })
  let away = true
  shelf.before = ({ table, rows }) => {
    if (table === 'parents' && away) throw new Refusal('server')
    if (table === 'children' && rows.some(({ id }) => !shelf.ids('parents').includes(id))) throw new Refusal('reference')
  }
  for (const id of numbers(9)) await sink.write('parents', { id })
  for (const id of numbers(10)) await sink.write('children', { id })
  await settled()
  // However often: its row is still to come.
  await clock.advance(60_000, settled)
  expect([shelf.ids('children'), refused]).toEqual([[], []])
  away = false
  await clock.advance(60_000, settled)
  expect(shelf.ids('children')).toEqual(numbers(9))
  expect(refused).toEqual([['children', 9]])
})
