import { createBulkSink, type RefusedRow } from '@millrace/bulk-sink'
import { silentLogger } from '@millrace/core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { postgres } from '../src/index.ts'
import { Database, numbers } from './support/table.ts'

const url = inject('postgresUrl')
const driver = postgres({ url })
let database: Database

beforeAll(async () => {
  database = await Database.connect(url)
})
afterAll(() => database[Symbol.asyncDispose]())

test('five writers of 1,000 rows each at once, all of them with repeats: every row is there once', async () => {
  const table = await database.table('id int primary key, writer int')
  await using sink = createBulkSink({ logger: silentLogger, driver, tables: { [table]: { preset: 'events', batchSize: 300, id: 'id' } } })
  await Promise.all(
    numbers(5).map(async (writer) => {
      for (const i of numbers(1_000)) {
        await sink.write(table, { id: 1_000 * writer + i, writer })
        // Within a batch, and in different ones.
        if (i % 10 === 0) await sink.write(table, { id: 1_000 * writer + i, writer })
        if (i === 999) await sink.write(table, { id: 1_000 * writer, writer })
      }
    }),
  )
  await sink.flush()
  expect(await database.ids(table)).toEqual(numbers(5_000))
  expect(await sink.close()).toMatchObject({ rejected: 0, left: 0 })
})

test('a value of the wrong type in one row of 1,000: this row alone is given up, with the reason of the server', async () => {
  const table = await database.table('id int primary key, amount numeric(10, 2), small smallint')
  const refused: RefusedRow[] = []
  await using sink = createBulkSink({
    logger: silentLogger,
    driver,
    tables: { [table]: { strategy: 'size', batchSize: 1_000, id: 'id' } },
    deadLetter: (row) => void refused.push(row),
  })
  for (const id of numbers(1_000)) {
    const amount = id === 417 ? 'twelve' : 12.5
    await sink.write(table, { id, amount, small: id === 900 ? 70_000 : id === 901 ? undefined : 7 })
  }
  // The row misses a column that the others have; another has one that the table has not.
  await sink.write(table, { id: 1_000 })
  await sink.write(table, { id: 1_001, amuont: 1 })
  await sink.flush()
  expect(await database.ids(table)).toEqual(numbers(1_001).filter((id) => id !== 417 && id !== 900))
  expect(refused.map(({ row }) => Number(row['id'])).sort((a, b) => a - b)).toEqual([417, 900, 1_001])
  const messages = refused.map(({ error }) => error.message).join('\n')
  expect(messages).toContain('"twelve"')
  expect(messages).toContain('out of range for type smallint')
  expect(messages).toContain(`Column 'amuont' of table '${table}': the table has no such column; it has id, amount, small`)
})

test('a text that is too long for its column is refused, not cut', async () => {
  const table = await database.table('id int primary key, code varchar(3), fixed char(3), bits bit(3)')
  const refused: RefusedRow[] = []
  await using sink = createBulkSink({
    logger: silentLogger,
    driver,
    tables: { [table]: { strategy: 'size', batchSize: 10, id: 'id' } },
    deadLetter: (row) => void refused.push(row),
  })
  await sink.write(table, { id: 0, code: 'abc', fixed: 'abc', bits: '101' })
  await sink.write(table, { id: 1, code: 'abcd', fixed: 'abc', bits: '101' })
  await sink.write(table, { id: 2, code: 'abc', fixed: 'abcd', bits: '101' })
  await sink.write(table, { id: 3, code: 'abc', fixed: 'abc', bits: '1011' })
  await sink.flush()
  expect(await database.ids(table)).toEqual([0])
  expect(refused.map(({ row }) => Number(row['id'])).sort((a, b) => a - b)).toEqual([1, 2, 3])
})

test('values arrive as what they are', async () => {
  const columns = {
    id: 'bigint primary key',
    at: 'timestamptz',
    big: 'numeric',
    money: 'numeric(12, 2)',
    bytes: 'bytea',
    doc: 'jsonb',
    list: 'text[]',
    grid: 'int[]',
    real: 'double precision',
    flag: 'boolean',
    text: 'text',
    made: "text default 'made'",
  }
  const table = await database.table(
    Object.entries(columns)
      .map(([name, type]) => `${name} ${type}`)
      .join(', '),
  )
  const refused: RefusedRow[] = []
  await using sink = createBulkSink({ logger: silentLogger, driver, tables: { [table]: {} }, deadLetter: (row) => void refused.push(row) })
  const at = new Date('2024-02-29T23:59:59.987Z')
  const text = 'quote " backslash \\ comma , brace } newline \n null NULL ünï 🎏'
  const row = { at, big: 12_345_678_901_234_567_890n, money: 0.1, bytes: Buffer.from([0, 255, 92]), real: Number.NaN, flag: false, text }
  const doc = { a: [1, { b: 'x"y' }], n: null, big: 5n }
  await sink.write(table, {
    id: 9_007_199_254_740_993n,
    ...row,
    doc,
    list: ['a,b', 'c"d', null, '\\'],
    grid: [
      [1, 2],
      [3, 4],
    ],
  })
  await sink.write(table, { id: 2, at: null, text: undefined, made: 'given', doc: [1, 'two'] })
  await sink.write(table, { id: 3, at: new Date(Number.NaN) })
  await sink.write(table, { id: 4, doc: { real: Number.NaN } })
  await sink.write(table, { id: 5, text: 'nul \0' })
  await sink.flush()
  const [two, first] = await database.run(
    `select *, id::text as id, at = '2024-02-29T23:59:59.987Z' as same from ${table} order by ${table}.id`,
  )
  expect(first).toEqual({
    id: '9007199254740993',
    at,
    big: '12345678901234567890',
    money: '0.10',
    bytes: Buffer.from([0, 255, 92]),
    doc: { a: [1, { b: 'x"y' }], n: null, big: 5 },
    list: ['a,b', 'c"d', null, '\\'],
    grid: [
      [1, 2],
      [3, 4],
    ],
    real: Number.NaN,
    flag: false,
    text,
    made: 'made',
    same: true,
  })
  expect(two).toMatchObject({ id: '2', at: null, text: null, made: 'given', doc: [1, 'two'] })
  expect(refused.map(({ row: { id } }) => Number(id)).sort((a, b) => a - b)).toEqual([3, 4, 5])
  expect(refused.find(({ row: { id } }) => id === 3)?.error.message).toBe(
    `Column 'at' of table '${table}': the date is invalid (its type is timestamp with time zone)`,
  )
})

test('a batch that is refused for what it is, though none of its rows is, goes in row by row; a statement of your own', async () => {
  const table = await database.table('id int primary key, seen int default 0')
  const single = await database.table('id int primary key')
  await database.run(`create function ${single}_check() returns trigger language plpgsql as $$
    begin if (select count(*) from added) > 1 then raise exception 'one at a time'; end if; return null; end $$`)
  await database.run(
    `create trigger one after insert on ${single} referencing new table as added for each statement execute function ${single}_check()`,
  )
  const statement = `insert into ${table} (:columns) :rows on conflict (id) do update set seen = ${table}.seen + 1`
  await using sink = createBulkSink({
    logger: silentLogger,
    driver,
    tables: { [table]: { statement, batchSize: 5 }, [single]: { retries: 0 } },
  })
  for (const i of numbers(10)) await sink.write(table, { id: i % 5 })
  for (const id of numbers(20)) await sink.write(single, { id })
  await sink.flush()
  for (const id of numbers(5)) await sink.write(single, { id: 20 + id })
  const before = sink.metrics().batching.failed_batches
  await sink.flush()
  expect(await database.ids(single)).toEqual(numbers(25))
  expect(await database.run(`select id, seen from ${table} order by id`)).toEqual(numbers(5).map((id) => ({ id, seen: 1 })))
  // Batches are not tried while they are known to fail.
  expect(sink.metrics().batching.failed_batches).toBe(before)
})

test('a statement that updates meets no row twice in a batch, and the latest of each id is what stays', async () => {
  const table = await database.table('id int primary key, a text, b text')
  const statement = `insert into ${table} (:columns) :rows on conflict (id) do update set a = excluded.a, b = coalesce(excluded.b, ${table}.b)`
  await using sink = createBulkSink({
    logger: silentLogger,
    driver,
    tables: { [table]: { statement, id: 'id', ordered: true, strategy: 'size', batchSize: 1_000 } },
  })
  await sink.write(table, { id: 9, a: 'nine' })
  await sink.write(table, { id: 1, a: 'first', b: 'only here' })
  await sink.write(table, { id: 1, a: 'second' })
  for (const n of numbers(100)) await sink.write(table, { id: 2, a: String(n) })
  await sink.flush()
  expect(await database.run(`select id, a, b from ${table} order by id`)).toEqual([
    { id: 1, a: 'second', b: 'only here' },
    { id: 2, a: '99', b: null },
    { id: 9, a: 'nine', b: null },
  ])
  expect(sink.metrics().batching).toMatchObject({ failed_batches: 0, total_batches: 1 })
})

test('columns that are added or changed while it runs; rows that are refused cost no connection; a statement that is wrong is told', async () => {
  const table = await database.table('id int primary key, size int')
  const parents = await database.table('id int primary key')
  const children = await database.table(`id int primary key, parent int references ${parents}`)
  const wrong = await database.table('id int')
  const refused: RefusedRow[] = []
  const name = `t${Date.now()}`
  const limited = new URL(url)
  limited.searchParams.set('application_name', name)
  await using sink = createBulkSink({
    logger: silentLogger,
    driver: postgres({ url: limited.href }),
    tables: {
      [table]: {},
      [parents]: {},
      [children]: { strategy: 'immediate' },
      [wrong]: { statement: `insert into ${wrong} :rows nonsense`, retries: 0 },
    },
    retry: { initialDelayMs: 1 },
    maxConcurrentInserts: 1,
    deadLetter: (row) => void refused.push(row),
  })
  await sink.write(table, { id: 0, size: 1 })
  await sink.flush()
  const connections = () => database.run(`select pid from pg_stat_activity where application_name = '${name}'`)
  const before = await connections()
  await database.run(`alter table ${table} add column note text; alter table ${table} alter column size type text`)
  await sink.write(table, { id: 1, size: 'large', note: 'new' })
  await sink.flush()
  await sink.write(table, { id: 'bad', size: 'x' })
  await sink.write(table, { id: 2, nothing: 1 })
  await sink.write(wrong, { id: 7 })
  // Its parent comes by another way, and later.
  await sink.write(children, { id: 1, parent: 1 })
  await sink.write(parents, { id: 1 })
  await sink.flush()
  expect(await database.run(`select * from ${table} order by id`)).toEqual([
    { id: 0, size: '1', note: null },
    { id: 1, size: 'large', note: 'new' },
  ])
  expect(await database.ids(children)).toEqual([1])
  expect(new Set(refused.map(({ row }) => row['id']))).toEqual(new Set([2, 7, 'bad']))
  expect(refused.find(({ table: of }) => of === wrong)?.error.message).toContain('syntax error')
  expect(before).toHaveLength(1)
  expect(await connections()).toEqual(before)
})
