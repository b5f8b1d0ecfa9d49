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
  type Acknowledgement,
  type AppBatchOptions,
  type AppDefinition,
  type AppState,
  BATCH_PRESETS,
  type BatchColumns,
  BatchCountAggregator,
  type Batcher,
  BatcherFailed,
  type BatcherOptions,
  type BatchingChange,
  type BatchingEvent,
  type BatchKeyValueStore,
  type BatchOptions,
  type BatchOutcome,
  type BatchPolicy,
  type BatchPreset,
  type BatchProcessor,
  BatchRecordError,
  type BatchSessionStore,
  type BatchStrategy,
  type BatchTrigger,
  type BatchWindowStore,
  type ChangelogOptions,
  type CircuitBreakerOptions,
  type Clock,
  ColumnBatch,
  completeBackend,
  type ConcurrencyOptions,
  createBatcher,
  type DeadLetterHeaderStyle,
  type DeadLetterOptions,
  DEFAULT_BATCH_POLICY,
  DEFAULT_FAILURE_OPTIONS,
  DEFAULT_MEMORY_BUDGET_BYTES,
  defineApp,
  defineKeyValueStore,
  defineSessionStore,
  defineTimestampedKeyValueStore,
  defineWindowStore,
  type ErrorClass,
  type FailedItem,
  type FailedRecord,
  type FailureHandler,
  type FailureOptions,
  type FailurePolicy,
  type FailureStage,
  type Header,
  type Headers,
  type ItemBatch,
  type KeyRange,
  type KeyValueStore,
  type KeyValueStoreDefinition,
  type Logger,
  MemoryBudget,
  MillraceError,
  type Observer,
  type Ordering,
  output,
  type OutputColumns,
  type OutputRecord,
  type OutputType,
  type Partitioner,
  type ProcessingGuarantee,
  type ProcessItems,
  type Processor,
  type ProcessorConcurrency,
  type ProcessorContext,
  type ProcessorOptions,
  type ProcessorSupplier,
  type Punctuator,
  type ReadOnlySessionStore,
  type ReadOnlyStore,
  type ReadOnlyWindowStore,
  RECORD_MEMORY_BYTES,
  type RecordBatch,
  type RepartitionOptions,
  type RetryOptions,
  type RuntimeEvent,
  type Serde,
  SerdeError,
  serdes,
  type SessionKey,
  type SessionRange,
  type SessionStore,
  type SessionStoreDefinition,
  silentLogger,
  type SinkOptions,
  type SourceBatchOptions,
  type SourceOptions,
  type StoreColumns,
  type StoreDefinition,
  type StoreEntry,
  type Stream,
  type StreamRecord,
  TaskClosedError,
  type TimeRange,
  type TimestampedKeyValueStoreDefinition,
  type TimestampExtractor,
  type TopicExtractor,
  type Topology,
  TopologyBuilder,
  TopologyError,
  type Transport,
  type ValueAndTimestamp,
  type WindowKey,
  type WindowStore,
  type WindowStoreDefinition,
} from '@millrace/core'
export { App, type AppHealth, ProcessingError, type QueryOptions, start, type TaskHealth } from '@millrace/runtime'
