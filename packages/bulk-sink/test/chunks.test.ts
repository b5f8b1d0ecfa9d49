import { ManualClock, type OpenOutsideSink, silentLogger } from '@millrace/core'
import { expect, test } from 'vitest'
import { bulkRows } from '../src/index.ts'
import { numbers, Refusal, settled, Shelf } from './support/shelf.ts'

const never = new AbortController().signal
const tables = { a: { retries: 0 }, b: {} }

async function opened(shelf: Shelf): Promise<{ sink: OpenOutsideSink<string, number>; clock: ManualClock }> {
  const clock = new ManualClock()
  const rows = bulkRows<string, number>({ driver: shelf.driver, environment: {}, tables, rows: () => [], exactlyOnce: true, chunkSize: 10 })
  const sink = await rows.open({ applicationId: 'app', node: 'rows', clock, logger: silentLogger, refuse: async () => undefined })
  return { sink, clock }
}

const start = (offset: number) => [{ topic: 't', partition: 0, offset, begin: 0, end: 1_000 }]
/** Each record has a row in `a`; every fourth has one in `b`, too. */
const records = (from: number, to: number) =>
  numbers(to - from).map((i) => {
    const id = from + i
    const row = (table: string) => ({ table, row: { id }, bytes: 10 })
    return { topic: 't', partition: 0, offset: id, timestamp: 0, staged: id % 4 === 0 ? [row('a'), row('b')] : [row('a')] }
  })
const reached = async (sink: OpenOutsideSink<string, number>, offset: number, flush = false) => {
  const [answer] = await sink.prepare([{ topic: 't', partition: 0, offset }], { flush, signal: AbortSignal.timeout(1_000) })
  return answer?.offset
}

test('a chunk is inserted when all of its offsets were processed, and not before; what is made again has the same tokens', async () => {
  const shelf = new Shelf({ tokens: true })
  const first = await opened(shelf)
  await first.sink.assign(start(0), never)
  first.sink.accept(records(0, 25))
  await settled()
  expect(shelf.ids('a')).toEqual(numbers(20))
  // That nothing comes of 25 to 29 only a commit tells.
  expect(await reached(first.sink, 29, true)).toBe(20)
  expect(shelf.ids('a')).toEqual(numbers(20))
  expect(await reached(first.sink, 30, true)).toBe(30)
  expect(shelf.ids('a')).toEqual(numbers(25))
  // The last commit of the log failed.
  const second = await opened(shelf)
  await second.sink.assign(start(20), never)
  second.sink.accept([...records(20, 25), ...records(30, 41)])
  expect(await reached(second.sink, 41, true)).toBe(40)
  expect(shelf.ids('a')).toEqual([...numbers(25), ...numbers(10).map((i) => 30 + i)])
  expect(shelf.ids('b')).toEqual([0, 4, 8, 12, 16, 20, 24, 32, 36])
})

test('while one table of a chunk is not stored its offset stays where the chunk begins, so that the other has the same chunk again', async () => {
  const shelf = new Shelf({ tokens: true })
  const first = await opened(shelf)
  await first.sink.assign(start(3), never)
  shelf.before = ({ table }) => {
    if (table === 'b') throw new Refusal('server')
  }
  first.sink.accept(records(3, 21))
  expect(await reached(first.sink, 21, true)).toBe(3)
  await settled()
  expect(shelf.ids('a')).toEqual(numbers(20).slice(3))
  shelf.before = () => undefined
  const second = await opened(shelf)
  await second.sink.assign(start(3), never)
  second.sink.accept(records(3, 21))
  expect(await reached(second.sink, 21, true)).toBe(20)
  expect(shelf.ids('a')).toEqual(numbers(20).slice(3))
  expect(shelf.ids('b')).toEqual([4, 8, 12, 16])
})

test('a bad row is set apart in the same way each time, and nothing but rows is ever at fault', async () => {
  const shelf = new Shelf({ tokens: true })
  const { sink, clock } = await opened(shelf)
  await sink.assign(start(0), never)
  let unknown = 2
  let away = 2
  shelf.before = ({ rows }) => {
    if (unknown-- > 0) throw new Refusal('unknown')
    if (rows.some(({ id }) => id === 7)) throw new Refusal('rows')
    if (away-- === 0) throw new Refusal('server')
  }
  sink.accept(records(0, 11))
  await settled()
  await clock.advance(20_000, settled)
  expect(await reached(sink, 11, true)).toBe(10)
  expect([...shelf.ids('a')].map(Number).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 8, 9])
  expect(shelf.ids('b')).toEqual([0, 4, 8])
})

test('what is taken away is not inserted any more; where the server drops no repeats it does not begin', async () => {
  const shelf = new Shelf({ tokens: true })
  const { sink } = await opened(shelf)
  await sink.assign(start(0), never)
  sink.accept(records(0, 9))
  sink.revoke([{ topic: 't', partition: 0 }])
  expect(await reached(sink, 10, true)).toBe(10)
  expect(shelf.inserts).toEqual([])
  const without = await opened(new Shelf())
  await expect(without.sink.assign(start(0), never)).rejects.toMatchObject({ code: 'EXACTLY_ONCE_UNSUPPORTED' })
})
