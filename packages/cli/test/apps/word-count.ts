import { BatchCountAggregator, defineApp, serdes, TopologyBuilder } from 'millrace'
import { kafka, type KafkaOptions } from 'millrace/kafka'
import { leveldb } from 'millrace/leveldb'

/** Names by an id in the environment, so that each test has its own. */
const id = process.env['WORD_COUNT_ID'] ?? 'test'
const brokers: KafkaOptions['brokers'] = process.env['KAFKA_BROKERS'] || 'localhost:9092'

const counts = leveldb.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })

const builder = new TopologyBuilder('word-count')
builder
  .source('lines', { topics: [`lines-${id}`], key: serdes.nullable(serdes.string), value: serdes.string })
  .flatMap('split', (line) => line.value.split(' ').map((word) => ({ ...line, key: word })))
  .repartition('by-word', { key: serdes.string, value: serdes.string })
  .process('count', { create: () => new BatchCountAggregator(counts), stores: [counts] })
  .sink('totals', { topic: `totals-${id}`, key: serdes.string, value: serdes.safeInt64 })

export default defineApp({
  topology: builder.build(),
  applicationId: `word-count-${id}`,
  transport: kafka({
    brokers,
    ...(process.env['CLIENT'] === 'packed' && { client: 'packed' }),
    requestTimeoutMs: Number(process.env['REQUEST_MS'] ?? 30_000),
    consumer: { 'session.timeout.ms': Number(process.env['SESSION_MS'] ?? 6_000), 'heartbeat.interval.ms': 500 },
  }),
  stateDir: process.env['STATE_DIR'] ?? './state',
  // A member that a busy machine keeps from its group must not count anything twice.
  processingGuarantee: 'exactly-once',
  commit: { intervalMs: 100 },
})
