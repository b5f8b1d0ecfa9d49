import type { BatchStatus } from './publisher.ts'

/** Figures of a publisher, as JSON. */
export interface PublisherMetrics {
  readonly batch: {
    /** Events that wait for a flush. */
    readonly pending_batch_messages: number
    readonly in_flight_messages: number
    readonly buffered_bytes: number
    readonly batch_size_configured: number
    /** null: batches are not cut by time. */
    readonly batch_timeout_ms: number | null
    readonly max_batch_size: number
    /** 1: a flush is to come by itself; 0: none is. */
    readonly has_scheduled_flush: 0 | 1
    readonly degraded_topics: number
    readonly published_total: number
    readonly delivered_total: number
    readonly failed_total: number
    readonly rejected_total: number
    readonly flushes_total: number
    readonly flushed_messages_total: number
    readonly retries_total: number
    readonly batches_taken_apart_total: number
  }
}

/** What is counted from the start on. */
export class PublisherCounts {
  published = 0
  delivered = 0
  failed = 0
  rejected = 0
  flushes = 0
  flushed = 0
  retries = 0
  takenApart = 0
}

/** The figures of a publisher in this state. */
export function metricsOf(
  { pendingEvents, inFlight, batchSize, batchTimeoutMs, maxBatchSize, degradedTopics }: BatchStatus,
  counts: PublisherCounts,
  { bufferedBytes, scheduled }: { readonly bufferedBytes: number; readonly scheduled: boolean },
): PublisherMetrics {
  return {
    batch: {
      pending_batch_messages: pendingEvents,
      in_flight_messages: inFlight,
      buffered_bytes: bufferedBytes,
      batch_size_configured: batchSize,
      batch_timeout_ms: batchTimeoutMs,
      max_batch_size: maxBatchSize,
      has_scheduled_flush: scheduled ? 1 : 0,
      degraded_topics: degradedTopics.length,
      published_total: counts.published,
      delivered_total: counts.delivered,
      failed_total: counts.failed,
      rejected_total: counts.rejected,
      flushes_total: counts.flushes,
      flushed_messages_total: counts.flushed,
      retries_total: counts.retries,
      batches_taken_apart_total: counts.takenApart,
    },
  }
}
