import type { BatchOptions, CircuitBreakerOptions, Clock, Environment, Logger, RetryOptions, Transport } from '@millrace/core'
import type { EventDefinitions } from './events.ts'
import type { OutboxOptions } from './outbox/outbox-options.ts'
import type { WorkerOptions } from './worker/worker-options.ts'

/** How a publisher retries. */
export interface PublisherRetryOptions extends Omit<RetryOptions, 'nonRetryable'> {
  /** How often a batch that failed is sent again; with an outbox without end, and while there is nobody to send it to for `deliveryTimeoutMs`. Default: 3. */
  readonly maxRetries?: number | undefined
}

/** What may wait and fly together. */
export interface PublisherBufferOptions {
  /** Events, at most. Default: 10,000. */
  readonly maxEvents?: number | undefined
  /** Bytes of keys, values and headers, at most, of what waits and of what is on its way. Default: 32 MiB. */
  readonly maxBytes?: number | undefined
  /**
   * `wait`: `publish` waits for room; as many events as the buffer holds, and as many bytes, may do so, and what is more is rejected; `reject`: with
   * `BUFFER_FULL`, at once. Half of the buffer is for any topic, half is divided among all. Default: `wait`.
   */
  readonly whenFull?: 'wait' | 'reject' | undefined
}

/** When a topic gets single events instead of batches. */
export interface DegradeOptions {
  /** So many batches of a topic in a row that failed or had to be taken apart. Default: 3. */
  readonly afterBatches?: number | undefined
  /** So many single events in a row that were written bring batches back. Default: 10. */
  readonly recoverAfter?: number | undefined
}

/** What holds for all events of one topic. */
export interface PublisherTopicOptions {
  /**
   * When batches of this topic are cut: over all its types that have no policy of their own, apart from other topics. The publisher's `batch.maxSize` bounds them,
   * too. Default: with all others.
   */
  readonly batch?: BatchOptions | undefined
}

/** What a publisher is made of. */
export interface PublisherOptions<Events extends EventDefinitions> {
  /** Where events go. Opened with the first event. */
  readonly transport: Transport
  /** What can be published, by type. */
  readonly events: Events
  /** Names the client at the broker, and the publisher in its logs. Default: `publisher`. */
  readonly clientId?: string | undefined
  /** When batches are cut: over all types and topics that have no policy of their own. `maxSize` is what no flush exceeds, of those with one and of transactions neither. Default: {@link getBatchConfig}. */
  readonly batch?: BatchOptions | undefined
  /** By name, what single topics have of their own; each must be one of `events`. Default: none. */
  readonly topics?: Readonly<Record<string, PublisherTopicOptions>> | undefined
  /** What may be pending. Default: 10,000 events, 32 MiB. */
  readonly buffer?: PublisherBufferOptions | undefined
  /** Default: 3 times, after 100 ms doubled up to 30 s, less up to half by chance. */
  readonly retry?: PublisherRetryOptions | undefined
  /** One for each topic; `false`: none. Default: half of the last 20 attempts, 5 at least, open it for 5 seconds. */
  readonly circuitBreaker?: CircuitBreakerOptions | false | undefined
  /** Default: after 3 batches that went wrong, until 10 single events were written. */
  readonly degrade?: DegradeOptions | undefined
  /** After so long an event that waits is rejected with `NOT_SENT`, in milliseconds; not with an outbox. Default: 120,000. */
  readonly deliveryTimeoutMs?: number | undefined
  /** How long `close` waits for what is pending, in milliseconds. Default: 30,000. */
  readonly closeTimeoutMs?: number | undefined
  /** Makes `publishTransaction` possible: a name that no other process has, kept over restarts. Default: none. */
  readonly transactionalId?: string | undefined
  /**
   * Keeps pending events on disk until they are acknowledged or refused for their own sake (too large, invalid), and sends what an earlier process has left
   * before anything else. What can't be sent is then tried without end. Default: none.
   */
  readonly outbox?: OutboxOptions | undefined
  /**
   * Makes records and sends them in a process of its own, so that this one's event loop is spared. The transport must be one that can be made there (`kafka`), and
   * payloads what JSON has; `outbox` and `clock` can't be used with it, `serialize` only of a module that it is told. Default: false.
   */
  readonly worker?: boolean | WorkerOptions | undefined
  /** Default: says nothing. */
  readonly logger?: Logger | undefined
  /** Default: the system's. */
  readonly clock?: Clock | undefined
  /** Default: `process.env`. */
  readonly environment?: Environment | undefined
}
