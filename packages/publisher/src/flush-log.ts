import type { Clock, Logger } from '@millrace/core'
import type { FlushTrigger } from './flush-group.ts'
import type { PendingEvent } from './pending-event.ts'
import type { PublisherCounts } from './publisher-metrics.ts'

export interface FlushLogOptions {
  readonly logger: Logger
  readonly clock: Clock
  readonly counts: PublisherCounts
  readonly clientId: string
}

/** Counts flushes and transactions, and logs each when it is over. */
export class FlushLog {
  readonly #options: FlushLogOptions

  constructor(options: FlushLogOptions) {
    this.#options = options
  }

  /** Returns what is to be called when it is over: that says how many milliseconds it took. */
  began(events: readonly PendingEvent[], trigger: FlushTrigger | 'transaction'): () => number {
    const { logger, clock, counts, clientId } = this.#options
    const began = clock.monotonic()
    const topics = new Set(events.map(({ topic }) => topic)).size
    counts.flushes++
    counts.flushed += events.length
    return () => {
      const durationMs = clock.monotonic() - began
      logger.info({ batchSize: events.length, topics, durationMs, trigger, publisher: clientId }, 'events were flushed')
      return durationMs
    }
  }
}
