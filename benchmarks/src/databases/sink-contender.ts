import { createBulkSink, type DriverFactory, type SinkMetricsReport } from '@millrace/bulk-sink'
import type { Contender } from '../harness/comparison.ts'
import { eventRows } from './events.ts'

export interface SinkContender {
  readonly name: string
  readonly says: string
  readonly driver: DriverFactory
  readonly table: string
  readonly batchSize: number
  readonly records: number
  readonly maxConcurrentInserts: number
  /** Empties the table. */
  readonly clear: () => Promise<void>
  /** Takes what the sink says of itself after each run. */
  readonly onMetrics: (metrics: SinkMetricsReport) => void
}

/** Rows written one by one into a sink, which gathers and inserts them. */
export function sinkContender(options: SinkContender): Contender {
  const { name, says, driver, table, batchSize, records, maxConcurrentInserts, clear, onMetrics } = options
  return {
    name,
    says,
    records,
    afresh: true,
    async open() {
      await clear()
      const tables = { [table]: { strategy: 'hybrid', batchSize, id: 'id', maxMemoryMb: 40 } } as const
      const sink = createBulkSink({ driver, tables, maxConcurrentInserts, environment: {} })
      const [first, ...rows] = eventRows(records + 1, 0)
      // Connected, as a program is that has been running.
      await sink.write(table, first as (typeof rows)[number])
      await sink.flush()
      return {
        async work() {
          for (const row of rows) await sink.write(table, row)
          await sink.flush()
        },
        async close() {
          onMetrics(sink.metrics())
          await sink.close()
        },
      }
    },
  }
}
