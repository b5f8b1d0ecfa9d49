import { defineApp, serdes, silentLogger, start, TopologyBuilder } from 'millrace'
import { bulkRows } from 'millrace/bulk-sink'
import { kafka } from 'millrace/kafka'
import { postgres } from 'millrace/postgres'
import type { RowsMemberConfig, RowsReport } from '../support/rows-messages.ts'

// One member of a group that takes numbers from a topic to PostgreSQL, a row each.
const { brokers, client, applicationId, topic, url, table, exactlyOnce, stateDir } = JSON.parse(String(process.argv[2])) as RowsMemberConfig
const tell = (report: RowsReport) => void process.send?.(report)
const rows = bulkRows({
  driver: postgres({ url }),
  tables: { [table]: { batchSize: 50, batchTimeMs: 20, ...(!exactlyOnce && { id: 'id' }) } },
  rows: ({ value }: { readonly value: number }) => ({ table, row: { id: value } }),
  retry: { initialDelayMs: 20, maxDelayMs: 200 },
  exactlyOnce,
})
const builder = new TopologyBuilder('rows')
builder.source('events', { topics: [topic], key: serdes.string, value: serdes.int32 }).sinkOutside('rows', rows)
const app = await start(
  defineApp({
    topology: builder.build(),
    applicationId,
    transport: kafka({ brokers, client, consumer: { 'session.timeout.ms': 6_000, 'heartbeat.interval.ms': 500 } }),
    stateDir,
    logger: silentLogger,
    batch: { size: 40, timeoutMs: 5 },
    commit: { intervalMs: 100 },
    observer: (event) => {
      if (event.type === 'assigned') tell({ given: event.tasks.length })
      if (event.type === 'commit') tell({ committed: event.records })
    },
  }),
)
process.on('SIGTERM', () => void app.close())
process.on('disconnect', () => process.exit())
await app.run()
process.disconnect()
