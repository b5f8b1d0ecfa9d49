/**
 * Publishes events in batches.
 *
 * @packageDocumentation
 */
export { type BatchConfig, consumerProperties, getBatchConfig } from './batch-config.ts'
export { createPublisher } from './create-publisher.ts'
export { EVENT_ID_HEADER, EVENT_TYPE_HEADER } from './event-headers.ts'
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
export type { DegradeOptions, PublisherBufferOptions, PublisherOptions, PublisherRetryOptions } from './publisher-options.ts'
