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
  /** What is under way: ends each, and says that it was given up. */
  readonly #open = new Set<() => void>()

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
    const about = () => ({ batchSize: events.length, topics, durationMs: clock.monotonic() - began, trigger, publisher: clientId })
    const giveUp = () => logger.warn(about(), 'a flush was given up')
    this.#open.add(giveUp)
    return () => {
      const said = about()
      if (this.#open.delete(giveUp)) logger.info(said, 'events were flushed')
      return said.durationMs
    }
  }

  /** Nobody waits any more for what is under way. */
  giveUp(): void {
    for (const giveUp of this.#open) giveUp()
    this.#open.clear()
  }
}
