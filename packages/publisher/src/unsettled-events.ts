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
    this.#events.trim()
  }

  get all(): PendingEvent[] {
    return this.#events.all()
  }
}
