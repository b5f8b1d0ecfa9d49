import { ManualClock, silentLogger } from '@millrace/core'
import { expect, test } from 'vitest'
import { createBulkSink, type RefusedRow } from '../src/index.ts'
import { gate, numbers, Refusal, settled, Shelf } from './support/shelf.ts'

test.each(['a time-out', 'the server, who has no memory for it'])(
  'a batch that is too large, by %s, is tried again with fewer rows, and later ones begin with those',
  async (by) => {
    const [shelf, clock] = [new Shelf({ tokens: true }), new ManualClock()]
    const refused: RefusedRow[] = []
    await using sink = createBulkSink({
      ...{
        driver: shelf.driver,
        clock,
        environment: {},
        logger: silentLogger,
        closeTimeoutMs: 0,
        insertTimeoutMs: 1_000,
        maxConcurrentInserts: 1,
      },
      tables: { t: { strategy: 'size', batchSize: 100 } },
      circuitBreaker: { openMs: 100 },
      deadLetter: (row) => void refused.push(row),
    })
    let tooMany = 0
    shelf.before = async ({ rows }) => {
      if (rows.length <= 30) return
      tooMany++
      if (by !== 'a time-out') throw new Refusal('size')
      await gate().opened
    }
    for (const id of numbers(100)) await sink.write('t', { id })
    await settled()
    for (let second = 0; second < 30; second++) await clock.advance(1_000, settled)
    expect(shelf.ids('t')).toEqual(numbers(100))
    expect(tooMany).toBeLessThan(5)
    tooMany = 0
    for (const id of numbers(900)) await sink.write('t', { id: 100 + id })
    await settled()
    for (let second = 0; second < 30; second++) await clock.advance(1_000, settled)
    // Now and then it is tried whether more would go in.
    expect([...shelf.ids('t')].map(Number).sort((a, b) => a - b)).toEqual(numbers(1_000))
    expect(tooMany).toBeGreaterThan(0)
    expect(tooMany).toBeLessThan(20)
    expect(refused).toEqual([])
  },
)

test.each([
  [true, true],
  [false, false],
])(
  'rows of a table that is ordered (%s) are stored in the order in which they came, though inserts are slow or fail: %s',
  async (ordered, inOrder) => {
    const [shelf, clock] = [new Shelf(), new ManualClock()]
    await using sink = createBulkSink({
      ...{ driver: shelf.driver, clock, environment: {}, logger: silentLogger, closeTimeoutMs: 0, maxConcurrentInserts: 4 },
      tables: { t: { strategy: 'size', batchSize: 10, ordered }, other: { strategy: 'immediate' } },
    })
    const held = gate()
    let failures = 1
    shelf.before = async ({ rows, table }) => {
      if (table === 't' && rows[0]?.['id'] === 0) await held.opened
      if (table === 't' && rows[0]?.['id'] === 20 && failures-- > 0) throw new Refusal('server')
    }
    for (const id of numbers(60)) await sink.write('t', { id })
    await settled()
    await sink.write('other', { id: 1 })
    await settled()
    expect(shelf.ids('other')).toEqual([1])
    held.open()
    await settled()
    await clock.advance(5_000, settled)
    expect(shelf.ids('t')).toHaveLength(60)
    expect(JSON.stringify(shelf.ids('t')) === JSON.stringify(numbers(60))).toBe(inOrder)
  },
)

test('a logger that throws, or rejects, ends nothing', async () => {
  const [shelf, clock] = [new Shelf(), new ManualClock()]
  const fail = () => {
    throw new Error('the disk of logs is full')
  }
  const logger = { debug: fail, info: fail, warn: fail, error: () => Promise.reject(new Error('nobody takes logs')) }
  await using sink = createBulkSink({
    ...{ driver: shelf.driver, clock, environment: {}, closeTimeoutMs: 0, logger },
    tables: { t: { strategy: 'size', batchSize: 10 } },
    afterInsert: fail,
  })
  let failures = 5
  shelf.before = ({ rows }) => {
    if (failures-- > 0) throw new Refusal('server')
    if (rows.some(({ id }) => id === 7)) throw new Refusal('rows')
  }
  for (const id of numbers(20)) await sink.write('t', { id })
  await settled()
  await clock.advance(60_000, settled)
  expect([...shelf.ids('t')].map(Number).sort((a, b) => a - b)).toEqual(numbers(20).filter((id) => id !== 7))
  expect(sink.metrics()).toMatchObject({ rejected_events: 1, open_circuits: [], batching: { queued_items: 0 } })
})

test.each([0, 2, 5])(
  'a batch that fails for no known reason is tried again %i times, as its table says, before it is taken apart',
  async (retries) => {
    const [shelf, clock] = [new Shelf(), new ManualClock()]
    const refused: RefusedRow[] = []
    await using sink = createBulkSink({
      ...{
        driver: shelf.driver,
        clock,
        environment: {},
        logger: silentLogger,
        closeTimeoutMs: 0,
        deadLetter: (row) => void refused.push(row),
      },
      tables: { t: { strategy: 'size', batchSize: 10, retries } },
    })
    shelf.before = ({ rows }) => {
      if (rows.some(({ id }) => id === 3)) throw new Refusal('unknown')
    }
    for (const id of numbers(10)) await sink.write('t', { id })
    await settled()
    await clock.advance(60_000, settled)
    expect(shelf.sizes.filter((size) => size === 10)).toHaveLength(1 + retries)
    expect(shelf.ids('t')).toEqual(numbers(10).filter((id) => id !== 3))
    expect(refused.map(({ row }) => row['id'])).toEqual([3])
  },
)
