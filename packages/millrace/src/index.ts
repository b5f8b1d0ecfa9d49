/**
 * Millrace: batch-first stream processing on Apache Kafka.
 *
 * ```ts
 * import { TopologyBuilder, BatchCountAggregator, serdes, defineApp, start } from 'millrace'
 * import { leveldb } from 'millrace/leveldb'
 * import { kafka } from 'millrace/kafka'
 *
 * const counts = leveldb.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })
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
  type OutputColumns,
  type OutputRecord,
  type OutputType,
  type Partitioner,
  type Processor,
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
  type StoreDefinition,
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
