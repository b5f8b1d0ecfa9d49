import type { PendingEvent } from './pending-event.ts'

/** Behind so many entries that are done with, they are let go of. */
const SLACK = 64

/** Waiting events in order. Those that no longer wait are passed over, wherever they were taken from. */
export class EventFifo {
  #events: PendingEvent[] = []
  #head = 0

  push(event: PendingEvent): void {
    this.#events.push(event)
  }

  /** The first one that waits. */
  peek(): PendingEvent | undefined {
    const at = this.next(0)
    return at === undefined ? undefined : this.at(at)
  }

  /** Where, from `place` on, the next one is that waits. Places hold until the next `peek`, `trim` or `push`. */
  next(place: number): number | undefined {
    for (let at = this.#head + place; at < this.#events.length; at++) if (waits(this.#events[at] as PendingEvent)) return at - this.#head
    return undefined
  }

  at(place: number): PendingEvent {
    return this.#events[this.#head + place] as PendingEvent
  }

  /** Lets go of what no longer waits at the front. */
  trim(): void {
    while (this.#head < this.#events.length && !waits(this.#events[this.#head] as PendingEvent)) this.#head++
    if (this.#head < SLACK || this.#head < this.#events.length / 2) return
    this.#events = this.#events.slice(this.#head)
    this.#head = 0
  }
}

function waits({ state }: PendingEvent): boolean {
  return state === 'waiting' || state === 'held'
}
