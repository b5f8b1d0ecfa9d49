import { EventFifo } from './event-fifo.ts'
import type { PendingEvent } from './pending-event.ts'

interface Lane {
  readonly waiting: EventFifo
  unsettled: number
  flying: number
  /** Which flush those that fly belong to. */
  flush: number
}

/** The order of each key, over all topics: an event goes when all before it are settled, or go with it. */
export class KeyLanes {
  readonly #lanes = new Map<string, Lane>()

  add(event: PendingEvent): void {
    if (event.lane === undefined) return
    let lane = this.#lanes.get(event.lane)
    if (lane === undefined) {
      lane = { waiting: new EventFifo(), unsettled: 0, flying: 0, flush: 0 }
      this.#lanes.set(event.lane, lane)
    }
    lane.waiting.push(event)
    lane.unsettled++
  }

  /** The first of its key that waits, if the key is free for `flush`; undefined if it is not. */
  first(event: PendingEvent, flush: number): PendingEvent | undefined {
    if (event.lane === undefined) return event
    const lane = this.#lanes.get(event.lane)
    if (lane === undefined || (lane.flying > 0 && lane.flush !== flush)) return undefined
    lane.waiting.trim()
    return lane.waiting.peek()
  }

  /** The last before `event` in its key that waits for a flush, not for a transaction; `event` waits itself. */
  lastBefore(event: PendingEvent): PendingEvent | undefined {
    const waiting = event.lane === undefined ? undefined : this.#lanes.get(event.lane)?.waiting
    let last: PendingEvent | undefined
    for (let at = waiting?.next(0); waiting !== undefined && at !== undefined; at = waiting.next(at + 1)) {
      const one = waiting.at(at)
      if (one === event) break
      if (one.state === 'waiting') last = one
    }
    return last
  }

  /** Whether nothing waits or flies before these events in any of their keys. */
  areNext(events: readonly PendingEvent[]): boolean {
    const seen = new Set<string>()
    for (const event of events) {
      if (event.lane === undefined || seen.has(event.lane)) continue
      seen.add(event.lane)
      const lane = this.#lanes.get(event.lane)
      if (lane === undefined || lane.flying > 0 || lane.waiting.peek() !== event) return false
    }
    return true
  }

  take(event: PendingEvent, flush: number): void {
    const lane = event.lane === undefined ? undefined : this.#lanes.get(event.lane)
    if (lane === undefined) return
    lane.flying++
    lane.flush = flush
  }

  /** `flew`: it had been taken. */
  settle(event: PendingEvent, flew: boolean): void {
    if (event.lane === undefined) return
    const lane = this.#lanes.get(event.lane)
    if (lane === undefined) return
    if (flew) lane.flying--
    if (--lane.unsettled === 0) this.#lanes.delete(event.lane)
  }
}
