import { createClient } from '@clickhouse/client'
import type { SinkMetricsReport } from '@millrace/bulk-sink'
import { clickhouse } from '@millrace/sink-clickhouse'
import { Readable } from 'node:stream'
import type { Comparison, Contender, Opened } from '../harness/comparison.ts'
import { batchesOf, eventRows } from './events.ts'
import { ONE_AT_A_TIME_ROW, SINGLE_ROW, SINK_ROW } from './row-names.ts'
import { sinkContender } from './sink-contender.ts'

const TABLE = 'bench_events'
const CREATE = `CREATE TABLE ${TABLE} (id UInt64, at DateTime, kind String, customer String, amount Float64, note String)
  ENGINE = ReplacingMergeTree() ORDER BY id`

export interface ClickhouseBench {
  readonly url: string
  readonly batchSize: number
  readonly records: number
  readonly onMetrics: (name: string, metrics: SinkMetricsReport) => void
}

/** Rows into ClickHouse. */
export function clickhouseComparison({ url, batchSize, records, onMetrics }: ClickhouseBench): Comparison {
  const clear = async () => {
    const client = createClient({ url })
    await client.command({ query: `DROP TABLE IF EXISTS ${TABLE}` })
    await client.command({ query: CREATE })
    await client.close()
  }
  const loop = (name: string, says: string, options: { readonly records: number; readonly size: number }): Contender => ({
    name,
    says,
    records: options.records,
    afresh: true,
    async open(): Promise<Opened> {
      await clear()
      const client = createClient({ url })
      const rows = eventRows(options.records, 1).map((row) => ({ ...row, at: Math.floor(row.at.getTime() / 1_000) }))
      const batches = batchesOf(rows, options.size)
      return {
        async work() {
          for (const values of batches) await client.insert({ table: TABLE, values: Readable.from(values), format: 'JSONEachRow' })
        },
        close: () => client.close(),
      }
    },
  })
  const sink = (name: string, maxConcurrentInserts: number) =>
    sinkContender({
      ...{ name, driver: clickhouse({ url }), table: TABLE, batchSize, records, maxConcurrentInserts, clear },
      says: `rows one by one into a bulk sink with up to ${maxConcurrentInserts} inserts at once`,
      onMetrics: (metrics) => onMetrics(`clickhouse, ${name}`, metrics),
    })
  return {
    name: `clickhouse, ${batchSize} rows a batch`,
    baseline: loop('bare loop', 'ready-made rows of each batch, one insert after the other', { records, size: batchSize }),
    others: [
      sink(ONE_AT_A_TIME_ROW, 1),
      sink(SINK_ROW, 4),
      loop(SINGLE_ROW, 'each awaited', { records: Math.ceil(records / 100), size: 1 }),
    ],
  }
}
