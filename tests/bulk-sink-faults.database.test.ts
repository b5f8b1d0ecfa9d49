import { createBulkSink } from 'millrace/bulk-sink'
import { silentLogger } from 'millrace'
import { postgres } from 'millrace/postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DatabaseServer } from '../tools/databases/database-server.mjs'
import { openPostgres } from '../tools/databases/postgres.mjs'
import { openTables } from './support/postgres-tables.ts'
import { rowsAfter, sinkKinds } from './support/sink-kinds.ts'

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

describe.each(sinkKinds)('$name', (kind) => {
  const { open, driver, create, ids } = kind
  let server: DatabaseServer

  beforeAll(async () => {
    server = await open()
  })
  afterAll(() => server.stop())

  test('standing still for longer than an insert may take: every row is there once', async () => {
    await create(server.url, 'frozen')
    const after = await rowsAfter(
      { kind, server, table: 'frozen' },
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
      { kind, server, table: 'missing' },
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
    const sink = createBulkSink({ logger: silentLogger, driver: driver(server.url), tables: { closed: {} }, closeTimeoutMs: 300 })
    for (const id of numbers(10)) await sink.write('closed', { id, text: '' })
    expect(await sink.close()).toEqual({ stored: 0, rejected: 0, left: 10 })
    await server.restart()
    expect((await ids(server.url, 'closed')).filter((id) => id !== 0)).toEqual([])
  })
})

test('a disk that is full, a lock that is held too long, a table without the constraint of its id: nobody’s row is at fault', async () => {
  const server = await openPostgres({}, { ownOnly: true })
  try {
    await using tables = await openTables(server.url)
    await tables.rows('create table full_disk (id int primary key)')
    await tables.rows('create table unkeyed (id int)')
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
      logger: silentLogger,
      driver: postgres({ url: server.url }),
      tables: { full_disk: { batchSize: 100 }, locked: { batchSize: 100 }, unkeyed: { batchSize: 100, id: 'id' } },
      retry: { initialDelayMs: 20, maxDelayMs: 100 },
      circuitBreaker: { openMs: 100 },
      deadLetter: (row) => void refused.push(row),
    })
    await tables.rows('begin')
    await tables.rows('lock table locked in exclusive mode')
    for (const id of numbers(1_000)) {
      await sink.write('full_disk', { id })
      await sink.write('locked', { id })
      await sink.write('unkeyed', { id })
    }
    await expect
      .poll(() => [...sink.metrics().open_circuits].sort((a, b) => a.localeCompare(b)))
      .toEqual([...['full_disk', 'locked', 'unkeyed']])
    await tables.rows('commit')
    await tables.rows('alter table unkeyed add primary key (id)')
    await tables.rows('update state set full_now = false')
    await sink.flush()
    expect(await tables.ids('full_disk')).toEqual(numbers(1_000))
    expect(await tables.ids('locked')).toEqual(numbers(1_000))
    expect(await tables.ids('unkeyed')).toEqual(numbers(1_000))
    expect(refused).toEqual([])
  } finally {
    await server.stop()
  }
})
