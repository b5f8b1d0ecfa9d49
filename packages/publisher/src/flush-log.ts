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

/** Counts flushes and transactions, and logs each when it is over, or given up. */
export class FlushLog {
  readonly #options: FlushLogOptions
  /** Log those that are under way. */
  readonly #underWay = new Set<(message: string) => number>()

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
    const end = (message: string) => {
      const durationMs = clock.monotonic() - began
      // One that was given up may end later: it has its line by then.
      if (this.#underWay.delete(end)) logger.info({ batchSize: events.length, topics, durationMs, trigger, publisher: clientId }, message)
      return durationMs
    }
    this.#underWay.add(end)
    return () => end('events were flushed')
  }

  /** There is no time for those that are under way: nobody waits for what becomes of them. */
  giveUp(): void {
    for (const end of this.#underWay) end('a flush was given up')
  }
}
