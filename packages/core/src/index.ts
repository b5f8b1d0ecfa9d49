/**
 * Contracts of Millrace: what topologies, processors, serdes, stores and transports are. No I/O, no Node.
 *
 * @packageDocumentation
 */
export type {
  AppDefinition,
  BufferOptions,
  CommitOptions,
  ConcurrencyOptions,
  HotStandbyOptions,
  StateOptions,
} from './app/app-definition.ts'
export { defineApp } from './app/app-definition.ts'
export { type AppState, isLegalTransition } from './app/app-state.ts'
export type { ResolvedDefinition } from './app/resolved-definition.ts'
export type { ResolvedThreads, ThreadFailure, ThreadOptions } from './app/thread-options.ts'
export { validateDefinition } from './app/validate-definition.ts'
export {
  adaptSize,
  type AdaptiveSize,
  type AdaptiveTarget,
  type BatchObservation,
  initialAdaptiveSize,
  retargetAdaptiveSize,
} from './batch/adaptive-size.ts'
export { batchEnvironment } from './batch/batch-environment.ts'
export { BatchSizer, type FinishedPass, type LivePolicy } from './batch/batch-sizer.ts'
export { createBatcher } from './batch/batcher.ts'
export { BatcherFailed } from './batch/batcher-failed.ts'
export type { Batcher, BatcherOptions, FailedItem, ItemBatch, ProcessItems } from './batch/batcher-options.ts'
export { batchOptionsProblems, batchPolicyProblems } from './batch/batch-options-problems.ts'
export type {
  AppBatchOptions,
  BatchingChange,
  BatchOptions,
  BatchPreset,
  BatchStrategy,
  SourceBatchOptions,
} from './batch/batch-options.ts'
export { type BatchPolicy, type CutLimits, DEFAULT_BATCH_POLICY, DEFAULT_MEMORY_BUDGET_BYTES } from './batch/batch-policy.ts'
export { BATCH_PRESETS } from './batch/batch-presets.ts'
export {
  type BatchedApp,
  type BatchedTopic,
  batchPolicyOf,
  type BatchSettings,
  changeBatching,
  changeProblems,
  concerns,
} from './batch/batch-settings.ts'
export type { BatchTrigger } from './batch/batch-trigger.ts'
export {
  byteLengthAt,
  bytesAt,
  type BytesColumn,
  columnByteLength,
  type PackedColumn,
  sliceColumn,
  sliceNumbers,
  type ViewColumn,
  viewColumn,
} from './batch/bytes-column.ts'
export { type BatchColumns, ColumnBatch, type Selection } from './batch/column-batch.ts'
export { type CutDecision, decideCut, type WaitingRecords } from './batch/cut-decision.ts'
export { type ColumnPart, EncodedRows } from './batch/encoded-rows.ts'
export { type Environment, environmentValues, type EnvironmentTexts } from './batch/environment-values.ts'
export { fits, fitting, type Fitting, type Waiting } from './batch/fitting.ts'
export { type Header, headerBytes, type Headers, NO_HEADERS } from './batch/headers.ts'
export { LazyColumn } from './batch/lazy-column.ts'
export { MemoryBudget, memoryOf, RECORD_MEMORY_BYTES } from './batch/memory-budget.ts'
export { RecentArrivals } from './batch/recent-arrivals.ts'
export type { OutputColumns, RecordBatch } from './batch/record-batch.ts'
export { type BatcherBatching, type BatcherSettings, changeBatcher, resolveBatcher, type ResolvedBatcher } from './batch/resolve-batcher.ts'
export { resolveBatchPolicy } from './batch/resolve-batch-policy.ts'
export { WaitingItems } from './batch/waiting-items.ts'
export type { OutputRecord, StreamRecord } from './batch/stream-record.ts'
export type { CommitParticipant, CommitUrgency } from './commit/commit-participant.ts'
export type { ProcessingGuarantee } from './commit/processing-guarantee.ts'
export { type ErrorData, errorData, errorFrom } from './errors/error-data.ts'
export { type ErrorDetails, MillraceError } from './errors/millrace-error.ts'
export { SerdeError, type SerdeErrorDetails } from './errors/serde-error.ts'
export type { Stage } from './errors/stage.ts'
export { TaskClosedError } from './errors/task-closed-error.ts'
export { TopologyError } from './errors/topology-error.ts'
export { CircuitBreakers, type CircuitListener } from './failure/circuit-breakers.ts'
export { deadLetterHeaders } from './failure/dead-letter-headers.ts'
export {
  type Acknowledgement,
  type CircuitBreakerOptions,
  type DeadLetterHeaderStyle,
  type DeadLetterOptions,
  type ErrorClass,
  FAILURE_POLICIES,
  type FailedRecord,
  type FailureHandler,
  type FailureOptions,
  type FailurePolicy,
  type FailureStage,
  type ResolvedCircuitBreakerOptions,
  type ResolvedDeadLetterOptions,
  type ResolvedFailureOptions,
  type ResolvedRetryOptions,
  type RetryOptions,
} from './failure/failure-options.ts'
export { failureProblems } from './failure/failure-problems.ts'
export { followSettling, type SettledBatch, type SettlingActions } from './failure/follow-settling.ts'
export { isRetryable } from './failure/is-retryable.ts'
export type { RetryLimits } from './failure/retry-counts.ts'
export { type DeadLetterInfo, readDeadLetter, withoutDeadLetterHeaders } from './failure/read-dead-letter.ts'
export { HEALTHY_MS, RestartBudget, type RestartLimits } from './failure/restart-budget.ts'
export { retryDelay } from './failure/retry-delay.ts'
export { settling, type SettlingOptions } from './failure/settling.ts'
export type { FailedRow, PartResult, Settling, SettlingStep } from './failure/settling-step.ts'
export { DEFAULT_FAILURE_OPTIONS, resolveFailureOptions } from './failure/resolve-failure-options.ts'
export { asError } from './internal/as-error.ts'
export { type Deferred, deferred } from './internal/deferred.ts'
export { definedOnly } from './internal/defined-only.ts'
export { describeValue } from './internal/describe-value.ts'
export { heapLimits } from './internal/heap-limits.ts'
export { isObject } from './internal/is-object.ts'
export { numberProblem, type NumberRange, realNumberProblem } from './internal/number-problem.ts'
export { settledWithin } from './internal/time-limit.ts'
export { namesOf, unknownNames } from './internal/unknown-names.ts'
export { unlessAborted } from './internal/unless-aborted.ts'
export { wrongOptions } from './internal/wrong-options.ts'
export type { KeyLocation, PartitionLag, StoreSize } from './observe/app-answers.ts'
export type { AppHealth, PartitionHealth, PassHealth, TaskHealth, TaskState, ThreadHealth } from './observe/app-health.ts'
export type { Clock } from './observe/clock.ts'
export { type Logger, silentLogger } from './observe/logger.ts'
export { safeLogger } from './observe/safe-logger.ts'
export { ManualClock } from './observe/manual-clock.ts'
export type {
  AbortEvent,
  AssignmentEvent,
  BatchEvent,
  BatchingEvent,
  CircuitEvent,
  CircuitState,
  CommitEvent,
  FailureEvent,
  CutEvent,
  Observer,
  RecoverEvent,
  RestoreEvent,
  RuntimeEvent,
  RetryEvent,
  StandbyEvent,
  StateEvent,
  ThreadEvent,
} from './observe/observer.ts'
export { systemClock } from './observe/system-clock.ts'
export { tell, teller } from './observe/tell.ts'
export type { FlushEvent, PassEndedEvent, PassStartedEvent } from './observe/pass-events.ts'
export type { PassTrace, PassTracer } from './observe/pass-tracer.ts'
export { BatchCountAggregator, type BatchCountAggregatorOptions, type CountStore } from './process/batch-count-aggregator.ts'
export type { BatchOutcome, RecordFailure } from './process/batch-outcome.ts'
export { BatchRecordError } from './process/batch-record-error.ts'
export type { NodeConcurrency, Ordering, ProcessorConcurrency } from './process/concurrency.ts'
export { type DetectedProcessor, detectProcessor } from './process/detect-processor.ts'
export { failuresIn } from './process/failures-in.ts'
export {
  output,
  type OutputPort,
  type OutputPorts,
  type OutputType,
  type OutputTypes,
  type ProcessorContext,
  type PunctuationType,
  type Punctuator,
} from './process/processor-context.ts'
export type {
  AnyProcessor,
  BatchProcessor,
  BatchProcessorFunction,
  Processor,
  ProcessorFunction,
  ProcessorOptions,
  ProcessorSupplier,
} from './process/processor.ts'
export type { KeptRows, RowPort } from './process/row-port.ts'
export { type ColumnFailure, type DecodedColumn, deserializeColumn } from './serde/deserialize-column.ts'
export type { Serde, SerdeType } from './serde/serde.ts'
export { serdes } from './serde/serdes.ts'
export { serializeColumn } from './serde/serialize-column.ts'
export { murmur2, partitionForHash, partitionForKey } from './sink/murmur2.ts'
export type {
  OpenOutsideSink,
  OutsideSink,
  OutsideSinkContext,
  RefusedRecord,
  StagedRecord,
  StartingPartition,
} from './sink/outside-sink.ts'
export type { Partitioner } from './sink/partitioner.ts'
export type { TopicExtractor } from './sink/topic-extractor.ts'
export type { StartAt } from './source/start-at.ts'
export type { TimestampExtractor } from './source/timestamp-extractor.ts'
export { afterPrefix, compareBytes } from './store/compare-bytes.ts'
export { completeBackend } from './store/complete-backend.ts'
export type { ChangelogOptions } from './store/changelog-options.ts'
export type { BatchKeyValueStore, KeyRange, KeyValueStore, ReadOnlyStore, StoreColumns, StoreEntry } from './store/key-value-store.ts'
export type { ReadOnlyOf } from './store/read-only-of.ts'
export { METADATA_KEY, ownKey, storedKey, userKey } from './store/reserved-keys.ts'
export type {
  ByteRange,
  OpenStoreBackend,
  OpenStoreOptions,
  SingleOperationBackend,
  StoreBackend,
  StoreCapabilities,
  StoreChange,
  StoreRow,
} from './store/store-backend.ts'
export { storeClosed } from './store/store-closed.ts'
export {
  type AnyStoreDefinition,
  type AsyncKeyValueStoreDefinition,
  defineKeyValueStore,
  type KeyValueStoreDefinition,
  type KeyValueStoreOptions,
  type StoreDefinition,
  type StoreOptions,
  type StoreShape,
} from './store/store-definition.ts'
export {
  type AsyncTimestampedKeyValueStoreDefinition,
  defineTimestampedKeyValueStore,
  type TimestampedKeyValueStoreDefinition,
  type ValueAndTimestamp,
} from './store/timestamped-store.ts'
export {
  type AsyncSessionStoreDefinition,
  type AsyncWindowStoreDefinition,
  defineSessionStore,
  defineWindowStore,
  type SessionStoreDefinition,
  type SessionStoreOptions,
  type WindowStoreDefinition,
  type WindowStoreOptions,
} from './store/windowed-definition.ts'
export type { SessionKey, SessionRange, TimeRange, WindowKey } from './store/windowed-keys.ts'
export type {
  BatchSessionStore,
  BatchWindowedStore,
  BatchWindowStore,
  ReadOnlySessionStore,
  ReadOnlyWindowStore,
  SessionStore,
  WindowStore,
} from './store/windowed-store.ts'
export type { CompileError } from './topology/compile-error.ts'
export { readsTopic } from './topology/reads-topic.ts'
export { repartitionTopic } from './topology/repartition-topic.ts'
export type { RepartitionOptions } from './topology/repartition-options.ts'
export type { SinkOptions } from './topology/sink-options.ts'
export type { SourceOptions } from './topology/source-options.ts'
export { type OutputStreams, Stream } from './topology/stream.ts'
export { TopologyBuilder } from './topology/topology-builder.ts'
export type {
  OutsideSinkNode,
  ProcessorNode,
  SinkNode,
  SourceNode,
  SubTopology,
  TopicRef,
  Topology,
  TopologyEdge,
  TopologyNode,
} from './topology/topology.ts'
export { advertising, advertisedIn } from './transport/advertised-address.ts'
export type { GroupDescription, GroupMember } from './transport/group-description.ts'
export type {
  IsolationLevel,
  RebalanceListener,
  RecordSource,
  RecordSourceOptions,
  StandbyPlacing,
  StartPosition,
} from './transport/record-source.ts'
export {
  type Compression,
  COMPRESSIONS,
  type Delivery,
  type RecordWriter,
  type RecordWriterOptions,
  type WriteBatch,
  type WriteFailure,
} from './transport/record-writer.ts'
export { type OffsetCommit, partitionKey, type TopicPartition, type TopicPartitionOffset } from './transport/topic-partition.ts'
export type { NewTopic, TopicDescription, TopicSettings, TransportAdmin } from './transport/transport-admin.ts'
export type { Transport, TransportContext, TransportRecipe } from './transport/transport.ts'
export type { PollResult, WireBatch } from './transport/wire-batch.ts'
