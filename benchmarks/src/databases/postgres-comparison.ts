import type { SinkMetricsReport } from '@millrace/bulk-sink'
import { postgres } from '@millrace/sink-postgres'
import { Pool, type PoolClient } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import type { Comparison, Contender, Opened } from '../harness/comparison.ts'
import { batchesOf, type EventRow, eventRows } from './events.ts'
import { ONE_AT_A_TIME_ROW, SINGLE_ROW, SINK_ROW } from './row-names.ts'
import { sinkContender } from './sink-contender.ts'

const TABLE = 'bench_events'
const COLUMNS = 'id, at, kind, customer, amount, note'
const UNNEST = `insert into ${TABLE} (${COLUMNS})
  select * from unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::numeric[], $6::text[]) on conflict (id) do nothing`
const SINGLE = `insert into ${TABLE} (${COLUMNS}) values ($1, $2, $3, $4, $5, $6) on conflict (id) do nothing`
const NAMES = ['id', 'at', 'kind', 'customer', 'amount', 'note'] as const

export interface PostgresBench {
  readonly url: string
  readonly batchSize: number
  readonly records: number
  readonly onMetrics: (name: string, metrics: SinkMetricsReport) => void
}

/** Rows into PostgreSQL. */
export function postgresComparison({ url, batchSize, records, onMetrics }: PostgresBench): Comparison {
  const pool = () => new Pool({ connectionString: url })
  const clear = async () => {
    const own = pool()
    await own.query(
      `create table if not exists ${TABLE} (id bigint primary key, at timestamptz, kind text, customer text, amount numeric, note text)`,
    )
    await own.query(`truncate ${TABLE}`)
    await own.end()
  }
  const ready = (work: (client: PoolClient) => () => Promise<void>) => async (): Promise<Opened> => {
    await clear()
    const own = pool()
    const client = await own.connect()
    const prepared = work(client)
    return {
      work: prepared,
      async close() {
        client.release()
        await own.end()
      },
    }
  }
  const bare: Contender = {
    name: 'bare loop',
    says: 'ready-made columns of each batch, by unnest, one insert after the other',
    records,
    afresh: true,
    open: ready((client) => {
      const batches = batchesOf(eventRows(records, 1), batchSize).map((rows) => NAMES.map((name) => rows.map((row) => row[name])))
      return async () => {
        for (const values of batches) await client.query(UNNEST, values)
      }
    }),
  }
  const copy: Contender = {
    name: 'bare loop, COPY',
    says: 'ready-made text of each batch, by COPY into a temporary table and from there, which ON CONFLICT needs',
    records,
    afresh: true,
    open: ready((client) => {
      const batches = batchesOf(eventRows(records, 1), batchSize).map((rows) => rows.map(copyLine).join(''))
      let made = false
      return async () => {
        for (const text of batches) {
          if (!made) await client.query(`create temporary table gathered (like ${TABLE}) on commit delete rows`)
          made = true
          await client.query('begin')
          await pipeline(Readable.from([text]), client.query(copyFrom(`copy gathered (${COLUMNS}) from stdin`)))
          await client.query(`insert into ${TABLE} select * from gathered on conflict (id) do nothing; commit`)
        }
      }
    }),
  }
  const single: Contender = {
    name: SINGLE_ROW,
    says: 'each awaited',
    records: Math.ceil(records / 20),
    afresh: true,
    open: ready((client) => {
      const rows = eventRows(Math.ceil(records / 20), 1)
      return async () => {
        for (const row of rows)
          await client.query(
            SINGLE,
            NAMES.map((name) => row[name]),
          )
      }
    }),
  }
  const sink = (name: string, maxConcurrentInserts: number) =>
    sinkContender({
      ...{ name, driver: postgres({ url }), table: TABLE, batchSize, records, maxConcurrentInserts, clear },
      says: `rows one by one into a bulk sink with up to ${maxConcurrentInserts} inserts at once`,
      onMetrics: (metrics) => onMetrics(`postgres, ${name}`, metrics),
    })
  return {
    name: `postgres, ${batchSize} rows a batch`,
    baseline: bare,
    others: [sink(ONE_AT_A_TIME_ROW, 1), sink(SINK_ROW, 4), copy, single],
  }
}

function copyLine({ id, at, kind, customer, amount, note }: EventRow): string {
  return `${id}\t${at.toISOString()}\t${kind}\t${customer}\t${amount}\t${note}\n`
}
