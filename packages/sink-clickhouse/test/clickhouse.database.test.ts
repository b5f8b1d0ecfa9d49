import { createBulkSink, type RefusedRow, type TableOptions } from '@millrace/bulk-sink'
import { silentLogger } from '@millrace/core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { clickhouse } from '../src/index.ts'
import { CountingAgent } from './support/counting-agent.ts'
import { numbers, Tables } from './support/tables.ts'

const url = inject('clickhouseUrl')
const driver = clickhouse({ url })
let tables: Tables

beforeAll(() => {
  tables = new Tables(url)
})
afterAll(() => tables[Symbol.asyncDispose]())

test.each([false, true])(
  'five writers of 1,000 rows each at once, with repeats: FINAL sees every row once (compressed: %s)',
  async (compression) => {
    const table = await tables.create('id UInt32, writer UInt8')
    await using sink = createBulkSink({
      logger: silentLogger,
      driver,
      tables: { [table]: { preset: 'events', batchSize: 300, compression } },
    })
    await Promise.all(
      numbers(5).map(async (writer) => {
        for (const i of numbers(1_000)) {
          await sink.write(table, { id: 1_000 * writer + i, writer })
          if (i % 10 === 0) await sink.write(table, { id: 1_000 * writer + i, writer })
        }
      }),
    )
    await sink.flush()
    expect(await tables.ids(table)).toEqual(numbers(5_000))
    expect(await sink.close()).toMatchObject({ rejected: 0, left: 0 })
  },
)

test('what is sent of a table is compressed where the table or its preset says so, and only there', async () => {
  /** Bytes on the wire for each byte of rows. */
  const sent = async (options: TableOptions) => {
    const table = await tables.create('id UInt32, text String')
    const agent = new CountingAgent()
    await using sink = createBulkSink({
      logger: silentLogger,
      driver: clickhouse({ url, client: { http_agent: agent } }),
      tables: { [table]: options },
    })
    for (const id of numbers(1_000)) await sink.write(table, { id, text: 'much of the same '.repeat(10) })
    await sink.flush()
    expect(await tables.ids(table)).toEqual(numbers(1_000))
    return agent.sentBytes / sink.metrics().inserted_bytes
  }
  expect(await sent({})).toBeGreaterThan(1)
  expect(await sent({ compression: true })).toBeLessThan(0.2)
  expect(await sent({ preset: 'event-store' })).toBeLessThan(0.2)
  expect(await sent({ preset: 'event-store', compression: false })).toBeGreaterThan(1)
})

test('values arrive as what they are; rows that can not be stored are given up alone, with the reason', async () => {
  const columns = {
    id: 'UInt64',
    at: 'DateTime',
    day: 'Date',
    ms: 'Int64',
    iso: 'String',
    money: 'Decimal(12, 2)',
    doc: 'String',
    list: 'Array(String)',
    real: 'Float64',
    flag: 'UInt8',
    maybe: 'Nullable(Int32)',
    made: "String DEFAULT 'made'",
  }
  const table = await tables.create(
    Object.entries(columns)
      .map(([name, type]) => `${name} ${type}`)
      .join(', '),
  )
  const refused: RefusedRow[] = []
  await using sink = createBulkSink({ logger: silentLogger, driver, tables: { [table]: {} }, deadLetter: (row) => void refused.push(row) })
  const at = new Date('2024-02-29T23:59:59.987Z')
  const text = 'quote " backslash \\ newline \n ünï 🎏'
  await sink.write(table, {
    ...{ id: 9_007_199_254_740_993n, at, day: at, ms: at, iso: at, money: 0.1, doc: { a: [1, text], big: 5n }, list: ['a', text] },
    ...{ real: 0.5, flag: true, maybe: null },
  })
  await sink.write(table, { id: 2, doc: Buffer.from(text), iso: 12, money: 0.1 + 0.2, made: undefined, maybe: 7 })
  for (const id of numbers(500)) await sink.write(table, { id: 100 + id, flag: id === 250 ? 'many' : 1 })
  await sink.write(table, { id: 3, at: new Date(Number.NaN) })
  await sink.write(table, { id: 4, flag: Number.NaN })
  await sink.write(table, { id: 5, flag: null })
  await sink.write(table, { id: 6, flga: 1 })
  await sink.flush()
  const reasonOf = (id: number) => refused.find(({ row }) => row['id'] === id)?.error.message
  expect(reasonOf(2)).toBeUndefined()
  const [two] = await tables.rows(`SELECT * FROM ${table} WHERE id = 2`)
  expect(two).toMatchObject({ doc: text, iso: '12', made: 'made', maybe: 7 })
  const [first] = await tables.rows(
    `SELECT *, toUnixTimestamp(at) AS seconds, toString(ms) AS msText, toString(id) AS idText FROM ${table} WHERE id = 9007199254740993`,
  )
  expect(first).toMatchObject({
    idText: '9007199254740993',
    seconds: Math.floor(at.getTime() / 1_000),
    day: '2024-02-29',
    msText: String(at.getTime()),
    iso: at.toISOString(),
    doc: JSON.stringify({ a: [1, text], big: '5' }),
    list: ['a', text],
    real: 0.5,
    flag: 1,
    maybe: null,
    made: 'made',
  })
  expect([first, two].map((row) => Number(row?.['money']))).toEqual([0.1, 0.3])
  expect(await tables.ids(table)).toEqual([2, ...numbers(500).flatMap((id) => (id === 250 ? [] : [100 + id])), 9_007_199_254_740_992])
  expect(refused.map(({ row: { id } }) => Number(id)).sort((a, b) => a - b)).toEqual([3, 4, 5, 6, 350])
  expect(reasonOf(3)).toBe(`Column 'at' of table '${table}': the date is invalid (its type is DateTime)`)
  expect(reasonOf(5)).toContain('null, and the column takes none')
  expect(reasonOf(6)).toContain(`Column 'flga' of table '${table}': the table has no such column`)
  expect(reasonOf(350)).toContain(`An insert into '${table}' failed`)
})

test('rows that give no column have the defaults of all; columns that the server makes by itself are told at once', async () => {
  const table = await tables.create('id UInt32, text String, twice UInt32 MATERIALIZED 2 * id, same UInt32 ALIAS id')
  const refused: RefusedRow[] = []
  await using sink = createBulkSink({ logger: silentLogger, driver, tables: { [table]: {} }, deadLetter: (row) => void refused.push(row) })
  await sink.write(table, {})
  await sink.write(table, { id: undefined })
  await sink.flush()
  for (const id of numbers(10)) await sink.write(table, { id: 1 + id, ...(id === 5 && { twice: 12 }), ...(id === 7 && { same: 8 }) })
  await sink.flush()
  expect(await tables.rows(`SELECT id, text, twice FROM ${table} FINAL ORDER BY id LIMIT 2`)).toEqual([
    { id: 0, text: '', twice: 0 },
    { id: 1, text: '', twice: 2 },
  ])
  expect(await tables.ids(table)).toEqual(numbers(11).filter((id) => id !== 6 && id !== 8))
  expect(refused.map(({ error: { message } }) => message).sort((a, b) => a.localeCompare(b))).toEqual(
    ['same', 'twice'].map((column) => `Column '${column}' of table '${table}': the table has no such column; it has id, text`),
  )
  expect(sink.metrics()).toMatchObject({ retry_attempt: 0 })
})

test('columns that are added or changed while it runs; whether rows could be stored is told without storing any', async () => {
  const table = await tables.create('id UInt32, size UInt32')
  const refused: RefusedRow[] = []
  await using sink = createBulkSink({ logger: silentLogger, driver, tables: { [table]: {} }, deadLetter: (row) => void refused.push(row) })
  await sink.write(table, { id: 0, size: 1 })
  await sink.flush()
  await tables.run(`ALTER TABLE ${table} ADD COLUMN note String`)
  await tables.run(`ALTER TABLE ${table} MODIFY COLUMN size String`)
  await sink.write(table, { id: 1, size: 'large', note: 'new' })
  await sink.flush()
  expect(refused).toEqual([])
  expect(await tables.rows(`SELECT * FROM ${table} FINAL ORDER BY id`)).toEqual([
    { id: 0, size: '1', note: '' },
    { id: 1, size: 'large', note: 'new' },
  ])
  const own = driver()
  const signal = AbortSignal.timeout(60_000)
  const request = {
    ...{ table, bytes: 0, statement: undefined, id: [], compression: false, token: '', signal },
    rows: [{ id: 2, size: 'x' }],
  }
  await own.check?.(request)
  await expect(own.check?.({ ...request, rows: [{ id: 2 }, { id: 'two' }] })).rejects.toSatisfy((error) => own.blame(error) === 'rows')
  expect(await tables.ids(table)).toEqual([0, 1])
  expect(await tables.rows(`SHOW TABLES LIKE '${table}%'`)).toHaveLength(1)
  await own.close()
})

test('a statement of your own; a batch of more than 50 MB goes in, with a warning', async () => {
  const table = await tables.create("id UInt32, kind String DEFAULT 'none', size UInt32")
  // Nothing of it is kept: it is only to be read.
  const large = await tables.create('id UInt32, text String', 'Null')
  const warnings: object[] = []
  const logger = { ...silentLogger, warn: (fields: object) => void warnings.push(fields) }
  await using sink = createBulkSink({
    logger,
    driver,
    tables: { [table]: { statement: `INSERT INTO ${table} (id, size) FORMAT JSONEachRow` }, [large]: { strategy: 'immediate' } },
  })
  for (const id of numbers(10)) await sink.write(table, { id, size: 2 * id })
  await sink.write(large, { id: 1, text: 'é'.repeat(25_000_001) })
  await sink.flush()
  expect(sink.metrics().inserted_bytes).toBeGreaterThan(50_000_000)
  expect(await tables.rows(`SELECT kind, count() AS n, sum(size) AS total FROM ${table} FINAL GROUP BY kind`)).toMatchObject([
    { kind: 'none' },
  ])
  expect(await tables.ids(table)).toEqual(numbers(10))
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toMatchObject({ table: large, rows: 1 })
  expect(await sink.close()).toMatchObject({ rejected: 0, left: 0 })
})
