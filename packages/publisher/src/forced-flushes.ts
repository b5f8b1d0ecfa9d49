import type { PendingEvent } from './pending-event.ts'

interface Forced {
  readonly events: Set<PendingEvent>
  readonly resolve: () => void
}

/** Who waits until all that was published before is settled. */
export class ForcedFlushes {
  #forced: Forced[] = []

  get waiting(): boolean {
    return this.#forced.length > 0
  }

  /** Resolves when each of `events` is settled. */
  until(events: Iterable<PendingEvent>): Promise<void> {
    const left = new Set(events)
    if (left.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#forced.push({ events: left, resolve: () => resolve() }))
  }

  settled(event: PendingEvent): void {
    if (this.#forced.length === 0) return
    for (const { events, resolve } of this.#forced) if (events.delete(event) && events.size === 0) resolve()
    this.#forced = this.#forced.filter(({ events }) => events.size > 0)
  }
}
