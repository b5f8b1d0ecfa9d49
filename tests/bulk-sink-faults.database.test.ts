import { createBulkSink, type DriverFactory, type StandaloneSinkOptions } from 'millrace/bulk-sink'
import { clickhouse } from 'millrace/clickhouse'
import { postgres } from 'millrace/postgres'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openClickhouse } from '../tools/databases/clickhouse.mjs'
import type { DatabaseServer } from '../tools/databases/database-server.mjs'
import { openPostgres } from '../tools/databases/postgres.mjs'
import { openTables } from './support/postgres-tables.ts'

/** How long a server is away, in milliseconds. */
const AWAY_MS = Number(process.env['SINK_AWAY_MS'] ?? 2_000)

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

interface Kind {
  readonly name: string
  readonly open: () => Promise<DatabaseServer>
  readonly driver: (url: string) => DriverFactory
  /** With a column `id` of numbers and one `text`, in which a repeat is not seen, or can not be. */
  readonly create: (url: string, table: string) => Promise<void>
  readonly ids: (url: string, table: string) => Promise<unknown[]>
}

const ask = async (url: string, query: string) => {
  const answer = await fetch(url, { method: 'POST', body: query })
  const text = await answer.text()
  if (!answer.ok) throw new Error(text)
  return text
}
const withTables = async <T>(url: string, work: (tables: Awaited<ReturnType<typeof openTables>>) => Promise<T>) => {
  await using tables = await openTables(url)
  return await work(tables)
}

const kinds: readonly Kind[] = [
  {
    name: 'PostgreSQL',
    open: () => openPostgres({}, { ownOnly: true }),
    driver: (url) => postgres({ url }),
    create: (url, table) =>
      withTables(url, async (tables) => void (await tables.rows(`create table ${table} (id int primary key, text text)`))),
    ids: (url, table) => withTables(url, (tables) => tables.ids(table)),
  },
  {
    name: 'ClickHouse',
    open: () => openClickhouse({}, { ownOnly: true }),
    driver: (url) => clickhouse({ url }),
    create: async (url, table) =>
      void (await ask(url, `CREATE TABLE ${table} (id UInt32, text String) ENGINE = ReplacingMergeTree() ORDER BY id`)),
    ids: async (url, table) => (await ask(url, `SELECT id FROM ${table} FINAL ORDER BY id FORMAT TSV`)).trim().split('\n').map(Number),
  },
]

describe.each(kinds)('$name', ({ open, driver, create, ids }) => {
  let server: DatabaseServer

  beforeAll(async () => {
    server = await open()
  })
  afterAll(() => server.stop())

  /** Writes rows by five writers at once, for as long as `fault` happens; resolves to what is there in the end, and what should be. */
  async function rowsAfter(
    table: string,
    fault: (sink: ReturnType<typeof createBulkSink>) => Promise<void>,
    settings: Partial<StandaloneSinkOptions> = {},
  ) {
    const refused: unknown[] = []
    await using sink = createBulkSink({
      driver: driver(server.url),
      tables: { [table]: { preset: 'events', batchSize: 50, batchTimeMs: 20 } },
      insertTimeoutMs: 5_000,
      retry: { initialDelayMs: 20, maxDelayMs: 200 },
      circuitBreaker: { openMs: 200 },
      deadLetter: (row) => void refused.push(row),
      ...settings,
    })
    let going = true
    let written = 0
    const writing = Promise.all(
      numbers(5).map(async () => {
        for (let i = 0; i < 1_000 || going; i++) {
          const id = written++
          await sink.write(table, { id, text: `row ${id}` })
          // However fast the server is, there is something to insert when the fault comes.
          if (i >= 1_000) await pause(10)
          else if (i % 20 === 0) await pause(1)
        }
      }),
    )
    try {
      await fault(sink)
    } finally {
      going = false
    }
    await writing
    await sink.flush()
    expect(refused).toEqual([])
    return { ids: await ids(server.url, table), expected: numbers(written), metrics: sink.metrics() }
  }

  test('killed while inserting and away for long: every row is there once after its restart', { timeout: AWAY_MS + 60_000 }, async () => {
    await create(server.url, 'killed')
    const after = await rowsAfter('killed', async (sink) => {
      await expect.poll(() => sink.metrics().total_events_inserted).toBeGreaterThan(200)
      await server.kill()
      await expect.poll(() => sink.metrics().open_circuits).toEqual(['killed'])
      await pause(AWAY_MS)
      await server.restart()
    })
    expect(after.ids).toEqual(after.expected)
    expect(after.metrics.batching.failed_batches).toBeGreaterThan(0)
  })

  test('standing still for longer than an insert may take: every row is there once', async () => {
    await create(server.url, 'frozen')
    const after = await rowsAfter(
      'frozen',
      async (sink) => {
        await expect.poll(() => sink.metrics().total_events_inserted).toBeGreaterThan(200)
        await server.freeze()
        await expect.poll(() => sink.metrics().batching.failed_batches).toBeGreaterThan(1)
        await server.thaw()
      },
      { insertTimeoutMs: 300 },
    )
    expect(after.ids).toEqual(after.expected)
  })

  test('a table that is missing is waited for, and keeps no other table waiting', async () => {
    await create(server.url, 'present')
    const tables = { missing: { preset: 'events', batchSize: 50, batchTimeMs: 20 }, present: {} } as const
    const after = await rowsAfter(
      'missing',
      async (sink) => {
        await expect.poll(() => sink.metrics().open_circuits).toEqual(['missing'])
        for (const id of numbers(10)) await sink.write('present', { id, text: '' })
        sink.updateConfig({ tables: { present: { batchTimeMs: 0 } } })
        await expect.poll(() => ids(server.url, 'present')).toEqual(numbers(10))
        await create(server.url, 'missing')
      },
      { tables },
    )
    expect(after.ids).toEqual(after.expected)
  })

  test('close ends in its time while the server is away, and says what is left', async () => {
    await create(server.url, 'closed')
    await server.kill()
    const sink = createBulkSink({ driver: driver(server.url), tables: { closed: {} }, closeTimeoutMs: 300 })
    for (const id of numbers(10)) await sink.write('closed', { id, text: '' })
    expect(await sink.close()).toEqual({ stored: 0, rejected: 0, left: 10 })
    await server.restart()
    expect((await ids(server.url, 'closed')).filter((id) => id !== 0)).toEqual([])
  })
})

test('a disk that is full, a lock that is held too long: nobody’s row is at fault', async () => {
  const server = await openPostgres({}, { ownOnly: true })
  try {
    await using tables = await openTables(server.url)
    await tables.rows('create table full_disk (id int primary key)')
    await tables.rows('create table state (full_now boolean)')
    await tables.rows('insert into state values (true)')
    // As the server says it, by its code.
    await tables.rows(`create function refuse() returns trigger language plpgsql as $$ begin
      if (select full_now from state) then raise exception 'could not extend file: No space left on device' using errcode = '53100'; end if;
      return new; end $$`)
    await tables.rows('create trigger refuse before insert on full_disk for each row execute function refuse()')
    await tables.rows('create table locked (id int primary key)')
    await tables.rows(`alter role millrace set lock_timeout = '50ms'`)
    const refused: unknown[] = []
    await using sink = createBulkSink({
      driver: postgres({ url: server.url }),
      tables: { full_disk: { batchSize: 100 }, locked: { batchSize: 100 } },
      retry: { initialDelayMs: 20, maxDelayMs: 100 },
      circuitBreaker: { openMs: 100 },
      deadLetter: (row) => void refused.push(row),
    })
    await tables.rows('begin')
    await tables.rows('lock table locked in exclusive mode')
    for (const id of numbers(1_000)) {
      await sink.write('full_disk', { id })
      await sink.write('locked', { id })
    }
    await expect.poll(() => [...sink.metrics().open_circuits].sort((a, b) => a.localeCompare(b))).toEqual(['full_disk', 'locked'])
    await tables.rows('commit')
    await tables.rows('update state set full_now = false')
    await sink.flush()
    expect(await tables.ids('full_disk')).toEqual(numbers(1_000))
    expect(await tables.ids('locked')).toEqual(numbers(1_000))
    expect(refused).toEqual([])
  } finally {
    await server.stop()
  }
})
