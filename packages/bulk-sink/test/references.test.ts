import { ManualClock, silentLogger } from '@millrace/core'
import { expect, test } from 'vitest'
import { createBulkSink, type InsertRequest, type TableOptions } from '../src/index.ts'
import { gate, numbers, Refusal, settled, Shelf } from './support/shelf.ts'

/** A sink on a shelf whose rows may name another, `refers`, as `table.id`: it has to be there. */
function referring(tables: Readonly<Record<string, TableOptions>>, before: Shelf['before'] = () => undefined) {
  const [shelf, clock, refused] = [new Shelf(), new ManualClock(), [] as string[]]
  const isThere = (name: string) => {
    const [table = '', id] = name.split('.')
    return shelf.ids(table).includes(Number(id))
  }
  shelf.before = async (request: InsertRequest) => {
    const own = request.rows.map(({ id }) => `${request.table}.${String(id)}`)
    if (request.rows.some(({ refers }) => typeof refers === 'string' && !own.includes(refers) && !isThere(refers)))
      throw new Refusal('reference')
    await before(request)
  }
  const deadLetter = ({ table, row }: { readonly table: string; readonly row: { readonly id?: unknown } }) =>
    void refused.push(`${table}.${String(row.id)}`)
  const sink = createBulkSink({ driver: shelf.driver, clock, environment: {}, closeTimeoutMs: 0, logger: silentLogger, deadLetter, tables })
  return { sink, shelf, clock, refused }
}

test.each([false, true])(
  'tables that both have a row whose row never comes do not wait for each other for ever (ordered: %s)',
  async (ordered) => {
    const { sink, shelf, clock, refused } = referring({
      orders: { strategy: 'size', batchSize: 10, retries: 2, ordered },
      bills: { strategy: 'size', batchSize: 10, retries: 2, ordered },
    })
    await using _ = sink
    for (const id of numbers(40)) {
      await sink.write('orders', { id, refers: id % 20 === 3 ? 'shops.1' : undefined })
      await sink.write('bills', { id, refers: id % 20 === 7 ? 'shops.1' : `orders.${id}` })
    }
    await settled()
    await clock.advance(120_000, settled)
    expect(refused.toSorted((a, b) => a.localeCompare(b))).toEqual(['bills.23', 'bills.27', 'bills.3', 'bills.7', 'orders.23', 'orders.3'])
    expect(shelf.ids('orders').length + shelf.ids('bills').length).toBe(80 - 6)
  },
)

test('rows of three tables that refer to each other are all stored, however late the first is', async () => {
  let away = true
  const { sink, shelf, clock, refused } = referring(
    {
      shops: { strategy: 'size', batchSize: 1_000, maxWaitMs: 3_600_000 },
      orders: { strategy: 'size', batchSize: 10, retries: 0 },
      bills: { strategy: 'size', batchSize: 10, retries: 0 },
    },
    ({ table }) => {
      if (table === 'shops' && away) throw new Refusal('server')
    },
  )
  await using _ = sink
  await sink.write('shops', { id: 1 })
  for (const id of numbers(10)) await sink.write('orders', { id, refers: 'shops.1' })
  for (const id of numbers(10)) await sink.write('bills', { id, refers: `orders.${id}` })
  await settled()
  await clock.advance(60_000, settled)
  expect(shelf.ids('bills')).toEqual([])
  away = false
  await clock.advance(60_000, settled)
  expect([shelf.ids('shops'), shelf.ids('orders'), shelf.ids('bills'), refused]).toEqual([[1], numbers(10), numbers(10), []])
})

test('a row that refers to one of its own table waits for the batch before, however slow that is', async () => {
  const slow = gate()
  const { sink, shelf, clock, refused } = referring({ nodes: { strategy: 'size', batchSize: 10, retries: 1 } }, ({ rows }) =>
    rows.some(({ id }) => id === 0) ? slow.opened : undefined,
  )
  await using _ = sink
  for (const id of numbers(20)) await sink.write('nodes', { id, refers: id < 10 ? undefined : id === 15 ? 'nodes.99' : 'nodes.0' })
  await settled()
  await clock.advance(20_000, settled)
  expect([shelf.ids('nodes'), refused]).toEqual([[], []])
  slow.open()
  await settled()
  await clock.advance(20_000, settled)
  expect(shelf.ids('nodes').toSorted((a, b) => Number(a) - Number(b))).toEqual(numbers(20).filter((id) => id !== 15))
  expect(refused).toEqual(['nodes.15'])
})

test('rows that go in one by one are all tried before those that refer to them are given up', async () => {
  const { sink, shelf, clock, refused } = referring({
    orders: { strategy: 'size', batchSize: 10, retries: 1, enabled: false },
    bills: { strategy: 'size', batchSize: 10, retries: 1, enabled: false },
  })
  await using _ = sink
  for (const id of numbers(10)) await sink.write('bills', { id, refers: `orders.${id}` })
  for (const id of numbers(10)) await sink.write('orders', { id, refers: id === 3 ? 'shops.1' : undefined })
  await settled()
  await clock.advance(120_000, settled)
  expect([shelf.ids('orders').length, shelf.ids('bills').length, refused.toSorted((a, b) => a.localeCompare(b))]).toEqual([
    9,
    9,
    ['bills.3', 'orders.3'],
  ])
})
