import { silentLogger } from 'millrace'
import { createBulkSink, type DriverFactory, type StandaloneSinkOptions } from 'millrace/bulk-sink'
import { clickhouse } from 'millrace/clickhouse'
import { postgres } from 'millrace/postgres'
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import { openClickhouse } from '../../tools/databases/clickhouse.mjs'
import type { DatabaseServer } from '../../tools/databases/database-server.mjs'
import { openPostgres } from '../../tools/databases/postgres.mjs'
import { openTables } from './postgres-tables.ts'

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

/** A database that rows are stored in. */
export interface SinkKind {
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

export const sinkKinds: readonly SinkKind[] = [
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

/** Where rows go. */
export interface SinkUnderTest {
  readonly kind: SinkKind
  readonly server: DatabaseServer
  readonly table: string
}

/** Writes rows by five writers at once, for as long as `fault` happens; resolves to what is there in the end, and what should be. */
export async function rowsAfter(
  { kind: { driver, ids }, server, table }: SinkUnderTest,
  fault: (sink: ReturnType<typeof createBulkSink>) => Promise<void>,
  settings: Partial<StandaloneSinkOptions> = {},
) {
  const refused: unknown[] = []
  await using sink = createBulkSink({
    driver: driver(server.url),
    logger: silentLogger,
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
