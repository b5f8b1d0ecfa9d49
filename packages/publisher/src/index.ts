/**
 * Publishes events in batches.
 *
 * @packageDocumentation
 */
export { type BatchConfig, consumerProperties, getBatchConfig } from './batch-config.ts'
export { createPublisher } from './create-publisher.ts'
export { EVENT_BATCH_HEADER, EVENT_ID_HEADER, EVENT_TYPE_HEADER } from './event-headers.ts'
export {
  event,
  type EventDefinition,
  type EventDefinitions,
  type PayloadOf,
  type Priority,
  type PublishedEvent,
  type PublishOptions,
  type PublishOutcome,
  type PublishReceipt,
} from './events.ts'
export type { OutboxOptions } from './outbox/outbox-options.ts'
export { type FailedOutcome, PublishError, type PublishErrorDetails } from './publish-error.ts'
export type { BatchStatus, CloseReport, Publisher, UnsentEvent } from './publisher.ts'
export type { PublisherMetrics } from './publisher-metrics.ts'
export type {
  DegradeOptions,
  PublisherBufferOptions,
  PublisherOptions,
  PublisherRetryOptions,
  PublisherTopicOptions,
} from './publisher-options.ts'
export type { WaitOptions } from './wait-options.ts'
export type { WorkerOptions } from './worker/worker-options.ts'
export { decodeEvents, type PackedEvent, packEvents, type ReceivedEvent, type ReceivedEventOf } from './source/decode-events.ts'
export { dropRepeats, type DropRepeatsOptions } from './source/drop-repeats.ts'
export { eventSource, type EventSourceOptions } from './source/event-source.ts'
