/**
 * Publishes events in batches.
 *
 * @packageDocumentation
 */
export {
  type BatchConfig,
  type BatchStatus,
  type CloseReport,
  consumerProperties,
  createPublisher,
  type DegradeOptions,
  event,
  EVENT_ID_HEADER,
  EVENT_TYPE_HEADER,
  type EventDefinition,
  type EventDefinitions,
  type FailedOutcome,
  getBatchConfig,
  type OutboxOptions,
  type PayloadOf,
  type Priority,
  type PublishedEvent,
  type Publisher,
  type PublisherBufferOptions,
  type PublisherMetrics,
  type PublisherOptions,
  type PublisherRetryOptions,
  PublishError,
  type PublishErrorDetails,
  type PublishOptions,
  type PublishOutcome,
  type PublishReceipt,
  type UnsentEvent,
} from '@millrace/publisher'
