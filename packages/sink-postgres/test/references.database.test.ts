import { createBulkSink } from '@millrace/bulk-sink'
import { silentLogger } from '@millrace/core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { postgres } from '../src/index.ts'
import { Database, numbers } from './support/table.ts'

const url = inject('postgresUrl')
let database: Database

beforeAll(async () => {
  database = await Database.connect(url)
})
afterAll(() => database[Symbol.asyncDispose]())

test('of tables that refer to each other, and to themselves, only those rows are given up whose own never come', async () => {
  const orders = await database.table('id int primary key, parent int')
  await database.run(`alter table ${orders} add foreign key (parent) references ${orders} (id)`)
  const bills = await database.table(`id int primary key, order_id int references ${orders} (id)`)
  const refused: string[] = []
  await using sink = createBulkSink({
    logger: silentLogger,
    driver: postgres({ url }),
    tables: { [bills]: { batchSize: 50, retries: 1 }, [orders]: { batchSize: 50, retries: 1 } },
    retry: { initialDelayMs: 5, maxDelayMs: 20 },
    deadLetter: ({ table, row }) => void refused.push(`${table === bills ? 'bill' : 'order'} ${String(row['id'])}`),
  })
  for (const id of numbers(500)) {
    await sink.write(bills, { id, order_id: id % 100 === 7 ? -1 : id })
    await sink.write(orders, { id, parent: id % 100 === 3 ? -1 : id % 100 === 4 ? undefined : 0 })
  }
  await sink.flush()
  const lost = (digit: number) => numbers(5).map((hundred) => 100 * hundred + digit)
  expect(await database.ids(orders)).toEqual(numbers(500).filter((id) => !lost(3).includes(id)))
  // Of an order that is given up the bill is, too.
  expect(await database.ids(bills)).toEqual(numbers(500).filter((id) => ![...lost(3), ...lost(7)].includes(id)))
  expect(refused).toHaveLength(15)
})
