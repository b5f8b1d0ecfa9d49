import { defineApp, silentLogger, start, type StreamRecord, TopologyBuilder } from 'millrace'
import { bulkRows } from 'millrace/bulk-sink'
import { kafka } from 'millrace/kafka'
import { postgres } from 'millrace/postgres'
import { answerRequests, tell } from '../support/answer-requests.ts'
import { numberSerdes, type RowsMemberConfig } from '../support/rows-member.ts'

// One member of a group that stores rows, and which may kill itself between what its database and what its group has committed.
const config = JSON.parse(String(process.argv[2])) as RowsMemberConfig
const { brokers, sessionTimeoutMs, tables, keyed, killAfterRows = Infinity } = config
let stored = 0
const rows = bulkRows({
  driver: postgres({ url: config.url }),
  tables: Object.fromEntries(
    tables.map((table) => [table, { preset: 'events', batchSize: 50, batchTimeMs: 20, id: keyed.includes(table) ? 'id' : undefined }]),
  ),
  rows: ({ value }: StreamRecord<string | null, number>) => tables.map((table) => ({ table, row: { id: value } })),
  exactlyOnce: config.exactlyOnce,
  afterInsert(inserted) {
    if (inserted.table === tables.at(-1)) stored += inserted.rows.length
    if (stored >= killAfterRows) process.kill(process.pid, 'SIGKILL')
  },
})
const builder = new TopologyBuilder('rows')
builder.source('numbers', { topics: [config.topic], ...numberSerdes }).sinkOutside('rows', rows)

const app = await start(
  defineApp({
    topology: builder.build(),
    applicationId: config.applicationId,
    transport: kafka({ brokers, consumer: { 'session.timeout.ms': sessionTimeoutMs, 'heartbeat.interval.ms': 300 } }),
    stateDir: config.stateDir,
    logger: silentLogger,
    batch: { size: 70, timeoutMs: 5 },
    commit: { intervalMs: 20 },
    observer: (event) => {
      if (event.type !== 'batch') void tell({ type: 'event', event })
    },
  }),
)
answerRequests(app)
await app.run()
