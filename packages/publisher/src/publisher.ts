import type { CircuitState } from '@millrace/core'
import type { EventDefinitions, PayloadOf, PublishedEvent, PublishOptions, PublishOutcome, PublishReceipt } from './events.ts'
import type { FailedOutcome } from './publish-error.ts'
import type { PublisherMetrics } from './publisher-metrics.ts'
import type { WaitOptions } from './wait-options.ts'

/** How a publisher is at the moment. */
export interface BatchStatus {
  /** Events that wait for a flush, or for an outbox to be opened. */
  readonly pendingEvents: number
  /** Their bytes. */
  readonly pendingBytes: number
  /** For how long the oldest of them has waited, in milliseconds; 0: none does. */
  readonly oldestAgeMs: number
  /** Events that are on their way. */
  readonly inFlight: number
  /** Calls of `publish` that wait for room. */
  readonly waitingForRoom: number
  /** So many events make a flush at the moment. */
  readonly batchSize: number
  /** What no flush exceeds, in events. */
  readonly maxBatchSize: number
  /** How long the first event of a batch waits for company, in milliseconds; null: batches are not cut by time. */
  readonly batchTimeoutMs: number | null
  /** Whether some topic gets single events. */
  readonly degraded: boolean
  readonly degradedTopics: readonly string[]
  /** Circuit breakers that are not closed, by topic. */
  readonly circuits: Readonly<Record<string, CircuitState>>
}

/** An event that was not acknowledged when the publisher was closed. */
export interface UnsentEvent {
  readonly id: string
  readonly type: string
  readonly topic: string
  /** `not-sent`; `refused` if all that was tried was refused; `unknown` if it may have been written. */
  readonly outcome: FailedOutcome
  /** The outbox has it. */
  readonly kept: boolean
}

/** What closing came to. */
export interface CloseReport {
  readonly unsent: readonly UnsentEvent[]
}

/** Publishes events in batches. */
export interface Publisher<Events extends EventDefinitions> extends AsyncDisposable {
  /**
   * Resolves when the event is durable; rejects with a `PublishError` that says whether it may be in its topic. It is taken at once, unless the buffer
   * is full. Rejections may be left alone: they are logged, too.
   */
  publish<Type extends keyof Events & string>(
    type: Type,
    payload: PayloadOf<Events[Type]>,
    options?: PublishOptions,
  ): Promise<PublishReceipt>
  /** Publishes several events; resolves to what became of each, in their order. One that fails fails alone. */
  publishBatch(events: readonly PublishedEvent<Events>[]): Promise<readonly PublishOutcome[]>
  /**
   * Publishes several events in one transaction, all or none, at once, after what waits for their keys; nothing of their keys overtakes them. Rejects with
   * a `PublishError`: of code `TRANSACTION_FAILED`, whatever cut it off, or of another where it was not taken. Needs `transactionalId`, and room for all of them at once; the outbox does not keep them. Rejections may be left alone here, too.
   */
  publishTransaction(events: readonly PublishedEvent<Events>[]): Promise<readonly PublishReceipt[]>
  /**
   * With an outbox: resolves when everything that was published before is on disk, whatever became of it since; rejects if it can't be written, or when the wait for it ends.
   */
  stored(options?: WaitOptions): Promise<void>
  /**
   * Sends everything that was published before, without waiting for company; resolves when each of it is written or has failed, and rejects when the wait for that ends
   * before: it is sent all the same.
   */
  forceFlush(options?: WaitOptions): Promise<void>
  /** How it is at the moment. */
  getBatchStatus(): BatchStatus
  /** Figures to be served as JSON. */
  metrics(): PublisherMetrics
  /**
   * Takes nothing more, sends what is pending, and lets go of the transport; after `timeoutMs` what is left is rejected and named in the answer. Safe to
   * call twice. Default: `closeTimeoutMs`.
   */
  close(options?: { readonly timeoutMs?: number | undefined }): Promise<CloseReport>
}
