import type { Clock } from '@millrace/core'
import type { FlushType } from '../insert/entry.ts'

/** What a sink has done so far, under the names of its `GET /metrics`. */
export interface SinkMetricsReport {
  readonly batching: {
    /** Whether rows are gathered in batches. */
    readonly enabled: boolean
    /** Batches that were inserted or given up. */
    readonly total_batches: number
    /** Rows that were stored. */
    readonly total_items: number
    /** Inserts of batches that failed, each try counted. */
    readonly failed_batches: number
    readonly avg_batch_size: number
    /** From the cut of a batch until it is stored, retries included. */
    readonly avg_flush_latency_ms: number
    /** Rows that are not stored yet. */
    readonly queued_items: number
    readonly memory_usage_mb: number
    /** ISO 8601; null: nothing was stored yet. */
    readonly last_flush_time: string | null
  }
  readonly calculated: {
    /** Batches that were stored at the first try, from 0 to 1; 1 while there is none. */
    readonly batch_success_rate: number
    readonly avg_items_per_batch: number
    /** Rows stored a second since the sink was opened. */
    readonly events_per_second: number
  }
  /** Of the last batch; null: there was none. */
  readonly batch_size: number | null
  readonly flush_type: FlushType | null
  /** Between the last two batches. */
  readonly flush_interval_ms: number | null
  /** Batches by what cut them. */
  readonly flush_types: Readonly<Partial<Record<FlushType, number>>>
  /** Rows that were stored: `batching.total_items`, by its other name. */
  readonly total_events_inserted: number
  /** Rows that were given up. */
  readonly rejected_events: number
  /** Calls of `afterInsert` that failed. */
  readonly post_process_errors: number
  /** Tries after the first, of all batches. */
  readonly retry_attempt: number
  /** Requests to the database that went well. */
  readonly inserts: number
  /** Bytes of rows in them, as far as the driver knows. */
  readonly inserted_bytes: number
  /** From the moment a row was handed over until it was stored. */
  readonly avg_event_latency_ms: number
  /** Tables whose circuit breaker is not closed. */
  readonly open_circuits: readonly string[]
}

/** What the sink knows of this moment. */
export interface Moment {
  readonly enabled: boolean
  readonly queuedItems: number
  readonly memoryBytes: number
  readonly openCircuits: readonly string[]
}

const MEGABYTE = 1_048_576

/** Counts. */
export class SinkMetrics {
  readonly #clock: Clock
  readonly #openedAt: number
  #batches = 0
  #batchesAtOnce = 0
  #items = 0
  #batchItems = 0
  #flushMs = 0
  #lastFlush: number | undefined
  #lastBatch: { readonly size: number; readonly type: FlushType } | undefined
  #intervalMs: number | null = null
  #eventMs = 0
  readonly #types: Partial<Record<FlushType, number>> = {}
  failedBatches = 0
  rejected = 0
  postProcessErrors = 0
  retries = 0
  inserts = 0
  bytes = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#openedAt = clock.monotonic()
  }

  /** A batch is done: `stored` of its rows are in, whose waiting came to `waitedMs` together. */
  done(batch: { size: number; stored: number; type: FlushType; tookMs: number; failed: boolean; waitedMs: number }): void {
    const now = this.#clock.now()
    this.#batches++
    if (!batch.failed) this.#batchesAtOnce++
    this.#items += batch.stored
    this.#batchItems += batch.size
    this.#flushMs += batch.tookMs
    this.#eventMs += batch.waitedMs
    this.#intervalMs = this.#lastFlush === undefined ? null : Math.max(0, now - this.#lastFlush)
    this.#lastFlush = now
    this.#lastBatch = batch
    this.#types[batch.type] = (this.#types[batch.type] ?? 0) + 1
  }

  /** Rows that were stored by batches that are done. */
  get items(): number {
    return this.#items
  }

  report({ enabled, queuedItems, memoryBytes, openCircuits }: Moment): SinkMetricsReport {
    const average = this.#batches === 0 ? 0 : this.#batchItems / this.#batches
    const seconds = Math.max(0.001, (this.#clock.monotonic() - this.#openedAt) / 1_000)
    return {
      batching: {
        enabled,
        total_batches: this.#batches,
        total_items: this.#items,
        failed_batches: this.failedBatches,
        avg_batch_size: average,
        avg_flush_latency_ms: this.#batches === 0 ? 0 : this.#flushMs / this.#batches,
        queued_items: queuedItems,
        memory_usage_mb: memoryBytes / MEGABYTE,
        last_flush_time: this.#lastFlush === undefined ? null : new Date(this.#lastFlush).toISOString(),
      },
      calculated: {
        batch_success_rate: this.#batches === 0 ? 1 : this.#batchesAtOnce / this.#batches,
        avg_items_per_batch: average,
        events_per_second: this.#items / seconds,
      },
      batch_size: this.#lastBatch?.size ?? null,
      flush_type: this.#lastBatch?.type ?? null,
      flush_interval_ms: this.#intervalMs,
      flush_types: { ...this.#types },
      total_events_inserted: this.#items,
      rejected_events: this.rejected,
      post_process_errors: this.postProcessErrors,
      retry_attempt: this.retries,
      inserts: this.inserts,
      inserted_bytes: this.bytes,
      avg_event_latency_ms: this.#items === 0 ? 0 : this.#eventMs / this.#items,
      open_circuits: openCircuits,
    }
  }
}
