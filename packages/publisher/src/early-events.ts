import type { PendingEvent } from './pending-event.ts'

/** What one call published. */
export interface Early {
  readonly events: readonly PendingEvent[]
  readonly isTransaction: boolean
}

/** Events that were published before it was known what comes before them. */
export class EarlyEvents {
  #calls: Early[] = []
  count = 0
  bytes = 0

  add(early: Early): void {
    this.#calls.push(early)
    this.count += early.events.length
    for (const { bytes } of early.events) this.bytes += bytes
  }

  /** When the first was published; Infinity: there is none. */
  get since(): number {
    return this.#calls[0]?.events[0]?.arrivedAt ?? Infinity
  }

  /** All of them, in their order; none are left. */
  take(): readonly Early[] {
    const calls = this.#calls
    this.#calls = []
    this.count = 0
    this.bytes = 0
    return calls
  }
}
