import type { Logger } from 'millrace'
import { type BulkSink, createBulkSink, type DriverFactory, type StandaloneSinkOptions } from 'millrace/bulk-sink'
import { clickhouse } from 'millrace/clickhouse'
import { postgres } from 'millrace/postgres'
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openClickhouse } from '../tools/databases/clickhouse.mjs'
import type { DatabaseServer } from '../tools/databases/database-server.mjs'
import { openPostgres } from '../tools/databases/postgres.mjs'
import { bundlePrograms, pathFrom } from './support/bundle-programs.ts'
import { openTables } from './support/postgres-tables.ts'
import { sinkKinds } from './support/sink-kinds.ts'
import type { SinkMemberConfig, SinkReport } from './support/sink-messages.ts'

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)
/** Smaller than the rows that are to go there. */
const SMALL_DISK = { smallDiskMegabytes: 16 }
/** For each row of an insert, in seconds. */
const SLOWNESS = 0.015

interface Kind {
  readonly name: string
  readonly open: () => Promise<DatabaseServer>
  readonly driver: (url: string) => DriverFactory
  /** A table of `id` and `text` on the small disk. */
  readonly createOnSmallDisk: (server: DatabaseServer, table: string) => Promise<void>
  /** One of `id` whose inserts take time for each row. */
  readonly createSlow: (server: DatabaseServer, table: string) => Promise<void>
  readonly ids: (server: DatabaseServer, table: string) => Promise<number[]>
}

const ask = async ({ url }: DatabaseServer, query: string) => {
  const answer = await fetch(url, { method: 'POST', body: query })
  const text = await answer.text()
  if (!answer.ok) throw new Error(text)
  return text
}
const run = async ({ url }: DatabaseServer, ...statements: readonly string[]) => {
  await using tables = await openTables(url)
  for (const statement of statements) await tables.rows(statement)
}

const kinds: readonly Kind[] = [
  {
    name: 'PostgreSQL',
    open: () => openPostgres(SMALL_DISK, { ownOnly: true }),
    driver: (url) => postgres({ url }),
    createOnSmallDisk: (server, table) => {
      const folder = `${server.smallDisk?.folder}/${table}`
      return run(
        server,
        // By who the server runs as: it must be his.
        `copy (select 1) to program 'mkdir ${folder}'`,
        `create tablespace ${table} location '${folder}'`,
        `create table ${table} (id int primary key, text text) tablespace ${table}`,
        `alter table ${table} alter column text set storage plain`,
      )
    },
    createSlow: (server, table) =>
      run(
        server,
        `create table ${table} (id int primary key)`,
        `create function ${table}_waits() returns trigger language plpgsql as $$
          begin perform pg_sleep(${SLOWNESS} * (select count(*) from added)); return null; end $$`,
        `create trigger waits after insert on ${table} referencing new table as added for each statement execute function ${table}_waits()`,
      ),
    ids: async ({ url }, table) => {
      await using tables = await openTables(url)
      return (await tables.ids(table)).map(Number)
    },
  },
  {
    name: 'ClickHouse',
    open: () => openClickhouse(SMALL_DISK, { ownOnly: true }),
    driver: (url) => clickhouse({ url }),
    createOnSmallDisk: async (server, table) =>
      void (await ask(server, `CREATE TABLE ${table} (id UInt32, text String) ENGINE = ReplacingMergeTree() ORDER BY id`)),
    createSlow: async (server, table) =>
      void (await ask(
        server,
        `CREATE TABLE ${table} (id UInt32, waits UInt8 DEFAULT sleepEachRow(${SLOWNESS})) ENGINE = ReplacingMergeTree() ORDER BY id`,
      )),
    ids: async (server, table) =>
      (await ask(server, `SELECT id FROM ${table} FINAL ORDER BY id FORMAT TSV`)).trim().split('\n').map(Number),
  },
]

describe.each(kinds)('$name', ({ open, driver, createOnSmallDisk, createSlow, ids }) => {
  let server: DatabaseServer

  beforeAll(async () => {
    server = await open()
  })
  afterAll(() => server.stop())

  /** A sink, what it logs, and what it gives up. */
  function opened(options: Pick<StandaloneSinkOptions, 'tables' | 'insertTimeoutMs' | 'maxMemoryMb'>) {
    const said: string[] = []
    const refused: unknown[] = []
    const note = (fields: object) => void said.push(String((fields as { err?: Error }).err?.message))
    const logger: Logger = { debug: () => undefined, info: () => undefined, warn: note, error: note }
    const sink = createBulkSink({
      ...{ driver: driver(server.url), logger, deadLetter: (row) => void refused.push(row), ...options },
      ...{ retry: { initialDelayMs: 20, maxDelayMs: 200 }, circuitBreaker: { openMs: 200 } },
    })
    return { sink, said, refused }
  }

  test('a disk that is full is waited for, and is no row’s fault: when it has room again every row is there once', async () => {
    await createOnSmallDisk(server, 'full_disk')
    const { sink, said, refused } = opened({ tables: { full_disk: { batchSize: 100 } } })
    await using _ = sink
    // More than there is room for, and nothing that would be compressed.
    const writing = write(sink, 'full_disk', numbers(5_000), () => ({ text: randomBytes(3_000).toString('base64') }))
    await expect.poll(() => sink.metrics().open_circuits, { timeout: 60_000 }).toEqual(['full_disk'])
    await expect.poll(() => said.join('\n'), { timeout: 60_000 }).toMatch(/No space left|Not enough space|not enough space|Cannot reserve/)
    await server.smallDisk?.grow()
    await writing
    await sink.flush()
    expect(await ids(server, 'full_disk')).toEqual(numbers(5_000))
    expect(refused).toEqual([])
  })

  test('a server that is slow is waited for; where it takes longer than an insert may, fewer rows go in at once', async () => {
    await createSlow(server, 'slow')
    // 150 rows take longer than that, and 75 do not.
    const { sink, said, refused } = opened({ tables: { slow: { strategy: 'size', batchSize: 150, id: 'id' } }, insertTimeoutMs: 2_000 })
    await using _ = sink
    await write(sink, 'slow', numbers(300))
    await sink.flush()
    expect(await ids(server, 'slow')).toEqual(numbers(300))
    expect(said.join('\n')).toContain("An insert into 'slow' failed: it took longer than 2000 ms")
    const { batching, inserts } = sink.metrics()
    expect(inserts).toBeGreaterThan(2)
    expect(batching.avg_flush_latency_ms).toBeGreaterThan(75 * SLOWNESS * 1_000)
    expect(refused).toEqual([])
  })
})

describe('memory stays bounded in a process that has far more rows than it may keep', () => {
  let programs: Awaited<ReturnType<typeof bundlePrograms>>

  beforeAll(async () => {
    programs = await bundlePrograms(
      [pathFrom(import.meta.url, 'programs/sink-member.ts')],
      pathFrom(import.meta.url, '../node_modules/.cache'),
    )
  })
  afterAll(() => programs.remove())

  test.each(sinkKinds)('while its database is away: $name', { timeout: 120_000 }, async (kind) => {
    const server = await kind.open()
    try {
      await kind.create(server.url, 'kept')
      await server.kill()
      const rows = 50_000
      const config: SinkMemberConfig = { kind: kind.name, url: server.url, table: 'kept', rows, rowBytes: 3_000 }
      const child = fork(join(programs.folder, 'sink-member.mjs'), [JSON.stringify(config)])
      const ended = once(child, 'exit')
      const reports: SinkReport[] = []
      child.on('message', (report: SinkReport) => reports.push(report))
      const now = () => reports.at(-1)
      // 150 MB of rows wait to be written; the sink takes the 10 that its table may have, and tries.
      await expect.poll(() => now()?.failed ?? 0, { timeout: 60_000 }).toBeGreaterThan(3)
      expect(now()?.written).toBeLessThan(10_000)
      const sizes = reports.map(({ rssBytes }) => rssBytes / 1_048_576)
      expect(Math.max(...sizes) - (sizes[0] as number)).toBeLessThan(60)
      await server.restart()
      expect(await ended).toEqual([0, null])
      expect(now()?.written).toBe(rows)
      expect(await kind.ids(server.url, 'kept')).toEqual(numbers(rows))
    } finally {
      await server.stop()
    }
  })
})

async function write(sink: BulkSink, table: string, ids: readonly number[], more: () => object = () => ({})): Promise<void> {
  for (const id of ids) await sink.write(table, { id, ...more() })
}
