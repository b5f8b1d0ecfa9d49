import { Fifo } from './fifo.ts'
import type { PendingEvent } from './pending-event.ts'

/** All that was taken and is not settled, in the order in which it was taken. */
export class UnsettledEvents {
  readonly #events = new Fifo<PendingEvent>(({ state }) => state !== 'settled')
  count = 0

  add(event: PendingEvent): void {
    this.#events.push(event)
    this.count++
  }

  /** One of them is: its state says so. */
  settled(): void {
    this.count--
    // Else the last ones would be kept for as long as no more come.
    if (this.count === 0) this.#events.trim()
  }

  get all(): PendingEvent[] {
    return this.#events.all()
  }
}
