import type { BatchOptions } from './batch-options.ts'
import type { BatchTrigger } from './batch-trigger.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { Acknowledgement, RetryOptions } from '../failure/failure-options.ts'
import type { Clock } from '../observe/clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { Observer } from '../observe/observer.ts'
import type { BatchOutcome } from '../process/batch-outcome.ts'

/** An item that failed for good. */
export interface FailedItem<T> {
  readonly item: T
  /** How many items were appended before it. */
  readonly sequence: number
  readonly error: unknown
  /** How often it was tried: 1 is one attempt and no retry. */
  readonly attempts: number
}

/** What is known of a batch besides its items. */
export interface ItemBatch {
  /** Why it was cut. */
  readonly trigger: BatchTrigger
}

/**
 * Processes items in the order in which they were appended; batches come one after another. Reports failure as a batch processor does: by throwing, by
 * a `BatchRecordError` that names an index, or by an outcome that lists the items that failed.
 */
export type ProcessItems<T> = (items: readonly T[], batch: ItemBatch) => void | BatchOutcome | Promise<void | BatchOutcome>

/** How a batcher behaves, besides when it cuts. */
export interface BatcherOptions<T> {
  /** Names it in events, logs and errors. Default: `batcher`. */
  readonly name?: string | undefined
  /** Serialised bytes of an item, for `maxBytes` and the memory limits. Default: 0, so that these limits only count items. */
  readonly sizeOf?: ((item: T) => number) | undefined
  /** `append` waits while so many batches' worth of items wait. At least 1. Default: 3. */
  readonly maxInFlightBatches?: number | undefined
  /** Memory shared with other batchers: when it is spent, each cuts what it has. Default: its own. */
  readonly memory?: MemoryBudget | undefined
  /** What is kept when a part of a batch fails. Default: `all-or-nothing`. */
  readonly acknowledgement?: Acknowledgement | undefined
  /** The waits between retries; `maxRetries` of the policy says how many there are. */
  readonly retry?: RetryOptions | undefined
  /** Decides about an item whose retries are spent: `fail` stops the batcher, `skip` goes on without it. Default: `fail`. */
  readonly giveUp?: ((failed: FailedItem<T>) => 'fail' | 'skip' | Promise<'fail' | 'skip'>) | undefined
  /** Told of every batch that is cut and processed, of retries, items that were given up and changes. `task` and `topic` are the batcher's name. */
  readonly observer?: Observer | undefined
  /** Default: says nothing. */
  readonly logger?: Logger | undefined
  /** Default: the system's. */
  readonly clock?: Clock | undefined
}

/** Gathers items and hands them on in batches. */
export interface Batcher<T> extends AsyncDisposable {
  /** Items appended and not yet processed. */
  readonly waiting: number
  /**
   * Takes an item, at once. Resolves when there is room for another: await it, and what is appended faster than it is processed does not pile up.
   * Rejects if the batcher has failed or is closed, or `sizeOf` says no size. The item was not taken then, unless the batcher failed while this waited for
   * room: then it is in `BatcherFailed.unprocessed`. Only that last rejection may be left alone: of an item that was not taken nothing else tells, and
   * without a listener it is an unhandled rejection. Not to be awaited by what processes a batch: that is what makes room.
   */
  append(item: T): Promise<void>
  /**
   * Hands on what was appended before, without waiting for company; resolves when it is processed. Rejects if the batcher has failed. Not to be awaited by
   * what processes a batch.
   */
  flush(): Promise<void>
  /** Flushes, and takes nothing more. Rejects if the batcher has failed. */
  close(): Promise<void>
  /**
   * Other limits, from the next batch on; what is left out stays, but for limits of earlier changes once a strategy or a preset is named. Told as an event
   * `batching`. Throws a `TypeError` that lists what is wrong, and then changes nothing.
   */
  updateBatching(change: BatchOptions): void
}
