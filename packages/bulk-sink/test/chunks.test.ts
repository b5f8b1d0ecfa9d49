import { ManualClock, type OpenOutsideSink, silentLogger, type StagedRecord } from '@millrace/core'
import { expect, test } from 'vitest'
import { bulkRows, type BulkRowsOptions } from '../src/index.ts'
import { gate, numbers, Refusal, settled, Shelf } from './support/shelf.ts'

const never = new AbortController().signal
const tables = { a: { retries: 2 }, b: {} }

async function opened(shelf: Shelf, options: Partial<BulkRowsOptions<string, number>> = {}) {
  const clock = new ManualClock()
  const refused: number[] = []
  const rows = bulkRows<string, number>({
    ...{ driver: shelf.driver, environment: {}, tables, rows: () => [], exactlyOnce: true, chunkSize: 10 },
    ...options,
  })
  const refuse = async ({ offset }: { readonly offset: number }) => void refused.push(offset)
  const failures: Error[] = []
  const fail = (error: Error) => void failures.push(error)
  const sink = await rows.open({ applicationId: 'app', node: 'rows', clock, logger: silentLogger, refuse, fail })
  return { sink, clock, refused, failures, rows, metrics: () => rows.metrics() }
}

const start = (offset: number, topicId = 'one') => [{ topic: 't', partition: 0, offset, begin: 0, end: 1_000, topicId }]
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

test('a task that is over before the server has said whether it drops repeats takes nothing from the one that follows here', async () => {
  const shelf = new Shelf({ tokens: true })
  const [slow, held] = [gate(), gate()]
  const answers = [slow.opened]
  const tokens = async () => {
    await answers.shift()
    return undefined
  }
  const { sink } = await opened(shelf, { driver: () => ({ ...shelf.driver(), tokens }) })
  const ending = new AbortController()
  const late = sink.assign(start(0), ending.signal)
  ending.abort(new Error('the task is over'))
  sink.revoke(start(0))
  await sink.assign(start(0), never)
  shelf.before = () => held.opened
  sink.accept(records(0, 12))
  slow.open()
  await expect(late).rejects.toThrow('the task is over')
  expect(await reached(sink, 12)).toBe(0)
  held.open()
  expect(await reached(sink, 12, true)).toBe(10)
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

test('a commit that ends inside of a chunk which is stored meanwhile goes back to where that begins: its token stands for all of it', async () => {
  const shelf = new Shelf({ tokens: true })
  const first = await opened(shelf)
  await first.sink.assign(start(0), never)
  first.sink.accept(records(0, 16))
  // What is to be committed was settled before the rest of the chunk came.
  first.sink.accept(records(16, 31))
  await settled()
  expect(shelf.ids('a')).toEqual(numbers(30))
  expect(await reached(first.sink, 16)).toBe(10)
  const second = await opened(shelf)
  await second.sink.assign(start(10), never)
  second.sink.accept(records(10, 31))
  expect(await reached(second.sink, 31, true)).toBe(30)
  expect(shelf.ids('a')).toEqual(numbers(30))
  // Nor do its bounds hang on where reading begins: records that are stored may have been deleted.
  const third = await opened(shelf)
  await third.sink.assign(start(24), never)
  third.sink.accept(records(24, 41))
  expect(await reached(third.sink, 41, true)).toBe(40)
  expect(shelf.ids('a')).toEqual(numbers(40))
})

test('a topic that is made anew has other chunks than the one of its name before', async () => {
  const shelf = new Shelf({ tokens: true })
  for (const id of ['one', 'two', 'two']) {
    const { sink } = await opened(shelf)
    await sink.assign(start(0, id), never)
    sink.accept(records(0, 11))
    expect(await reached(sink, 11, true)).toBe(10)
  }
  expect(shelf.ids('a')).toEqual([...numbers(10), ...numbers(10)])
})

test('rows at fault are found without storing any, and told once; what is mended comes again as the same chunk', async () => {
  const shelf = new Shelf({ tokens: true })
  const after: number[] = []
  const { sink, clock, refused, metrics } = await opened(shelf, {
    afterInsert: ({ table, rows }) => void (table === 'a' && after.push(rows.length)),
  })
  await sink.assign(start(0), never)
  let unknown = 2
  let away = 2
  shelf.before = ({ rows, table }) => {
    if (table !== 'a') return
    if (unknown-- > 0) throw new Refusal('unknown')
    if (rows.some(({ id }) => id === 7)) throw new Refusal('rows')
    // When the rows at fault are known already.
    if (rows.length === 9 && away-- > 0) throw new Refusal('server')
  }
  sink.accept(records(0, 11))
  await settled()
  await clock.advance(20_000, settled)
  expect(await reached(sink, 11, true)).toBe(10)
  expect(shelf.ids('a')).toEqual([0, 1, 2, 3, 4, 5, 6, 8, 9])
  expect(shelf.ids('b')).toEqual([0, 4, 8])
  expect(new Set(shelf.inserts.filter(({ table }) => table === 'a').map(({ token }) => token)).size).toBe(1)
  expect([refused, after]).toEqual([[7], [9]])
  expect(metrics()).toMatchObject({ rejected_events: 1, total_events_inserted: 12 })
  // The process died before its commit, and the column takes the value by now.
  shelf.before = () => undefined
  const second = await opened(shelf)
  await second.sink.assign(start(0), never)
  second.sink.accept(records(0, 11))
  expect(await reached(second.sink, 11, true)).toBe(10)
  expect(shelf.ids('a')).toHaveLength(9)
})

test('a chunk that is refused though none of its rows is waits for somebody to mend that; rows of punctuators are refused', async () => {
  const shelf = new Shelf({ tokens: true })
  const { sink, clock, refused } = await opened(shelf)
  await sink.assign(start(0), never)
  let broken = true
  shelf.before = ({ rows }) => {
    if (broken && rows.length > 5) throw new Refusal('rows')
  }
  sink.accept(records(0, 11))
  await settled()
  await clock.advance(20_000, settled)
  expect(shelf.ids('a')).toEqual([])
  broken = false
  await clock.advance(20_000, settled)
  expect([shelf.ids('a'), refused]).toEqual([numbers(10), []])
  const [record] = records(0, 1)
  expect(() => sink.accept([{ ...record, offset: -1 } as StagedRecord])).toThrow('it takes no rows of punctuators')
})

test('a chunk that is refused for what nobody knows is tried as often as its table says, and then stops the application', async () => {
  const shelf = new Shelf({ tokens: true })
  const { sink, clock, failures } = await opened(shelf)
  await sink.assign(start(0), never)
  shelf.before = ({ table }) => {
    if (table === 'a') throw new Refusal('unknown', 'no such format')
  }
  sink.accept(records(0, 11))
  await settled()
  await clock.advance(100, settled)
  expect([failures, await reached(sink, 11)]).toEqual([[], 0])
  await clock.advance(20_000, settled)
  expect(failures[0]).toMatchObject({ code: 'CHUNK_REFUSED', message: expect.stringContaining('no such format') as string })
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

test('a table that nobody has asked the server about is not added at run time; the others are changed', async () => {
  const shelf = new Shelf({ tokens: true })
  const { rows, sink } = await opened(shelf)
  await sink.assign(start(0), never)
  expect(() => rows.updateConfig({ insertTimeoutMs: 5, tables: { a: {}, new: {} } })).toThrow(
    'gets no tables at run time: new. Name each in `tables`',
  )
  expect(() => rows.updateConfig({ tables: { a: { retries: -1 } } })).toThrow('tables.a.retries')
  rows.updateConfig({ enabled: false, tables: { a: { retries: 1 } } })
  expect(rows.metrics().batching.enabled).toBe(false)
})
