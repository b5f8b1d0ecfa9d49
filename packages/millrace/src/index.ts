/**
 * Millrace: batch-first stream processing on Apache Kafka.
 *
 * ```ts
 * import { BatchCountAggregator, defineApp, serdes, start, TopologyBuilder } from 'millrace'
 * import { kafka } from 'millrace/kafka'
 * import { leveldb } from 'millrace/leveldb'
 *
 * const counts = leveldb.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })
 * const builder = new TopologyBuilder('count')
 * builder
 *   .source('words', { topics: ['words'], key: serdes.string, value: serdes.string })
 *   .process('count', { create: () => new BatchCountAggregator(counts), stores: [counts] })
 *   .sink('totals', { topic: 'totals', key: serdes.string, value: serdes.safeInt64 })
 *
 * const app = await start(defineApp({ topology: builder.build(), applicationId: 'count', transport: kafka({ brokers: 'localhost:9092' }) }))
 * await app.run()
 * ```
 *
 * Importing this module loads no native code: transports and stores have entry points of their own.
 *
 * @packageDocumentation
 */
export {
  type AppDefinition,
  type AppState,
  type BatchColumns,
  BatchCountAggregator,
  type BatchKeyValueStore,
  type BatchOutcome,
  type BatchPolicy,
  type BatchProcessor,
  BatchRecordError,
  type BatchTrigger,
  type Clock,
  ColumnBatch,
  completeBackend,
  type ConcurrencyOptions,
  DEFAULT_BATCH_POLICY,
  defineApp,
  defineKeyValueStore,
  type Header,
  type Headers,
  type KeyRange,
  type KeyValueStore,
  type KeyValueStoreDefinition,
  type Logger,
  MillraceError,
  type Observer,
  output,
  type Ordering,
  type OutputColumns,
  type OutputRecord,
  type OutputType,
  type Partitioner,
  type Processor,
  type ProcessorConcurrency,
  type ProcessorContext,
  type ProcessorOptions,
  type ProcessorSupplier,
  type Punctuator,
  type ReadOnlyStore,
  type RecordBatch,
  type RepartitionOptions,
  type RuntimeEvent,
  type Serde,
  SerdeError,
  serdes,
  silentLogger,
  type SinkOptions,
  type SourceOptions,
  type StoreColumns,
  type StoreDefinition,
  type StoreEntry,
  type Stream,
  type StreamRecord,
  TaskClosedError,
  type TimestampExtractor,
  type TopicExtractor,
  type Topology,
  TopologyBuilder,
  TopologyError,
  type Transport,
} from '@millrace/core'
export { App, ProcessingError, start } from '@millrace/runtime'
