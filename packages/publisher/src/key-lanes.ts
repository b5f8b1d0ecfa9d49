import { waits } from './event-fifo.ts'
import type { PendingEvent } from './pending-event.ts'

/** The unsettled events of one key. */
export interface KeyLane {
  /** Of those that wait, for a flush or for their transaction: each says which is the next. */
  first: PendingEvent | undefined
  last: PendingEvent | undefined
  unsettled: number
  flying: number
  /** Which flush those that fly belong to. */
  flush: number
  /** The last of those that fly, or flew. */
  taken: PendingEvent | undefined
  /** How many were set aside. */
  aside: number
  /** Where it stands among those that wait for a topic. */
  behind: Set<KeyLane> | undefined
}

/** How many events of a topic may go now: 0 none, Infinity as many as there are. */
export type Room = (topic: string) => number

/**
 * The order of each key, over all topics: an event goes when all before it are settled, or go with it. What can't go for its key is set aside, so that it neither
 * counts in what is to be cut nor is looked at until it may.
 */
export class KeyLanes {
  readonly #lanes = new Map<string, KeyLane>()
  /** Those with events aside whose first one waits for its topic, by that. */
  readonly #behindTopics = new Map<string, Set<KeyLane>>()
  readonly #onReleased: (event: PendingEvent) => void

  /** `onReleased`: an event that was aside may go now, as far as its key is concerned. */
  constructor(onReleased: (event: PendingEvent) => void) {
    this.#onReleased = onReleased
  }

  add(event: PendingEvent): void {
    if (event.lane === undefined) return
    let lane = this.#lanes.get(event.lane)
    if (lane === undefined) {
      lane = { first: undefined, last: undefined, unsettled: 0, flying: 0, flush: 0, taken: undefined, aside: 0, behind: undefined }
      this.#lanes.set(event.lane, lane)
    }
    event.keyLane = lane
    lane.unsettled++
    if (firstOf(lane) === undefined) lane.first = event
    else (lane.last as PendingEvent).nextOfKey = event
    lane.last = event
  }

  /** The first of its key, which has to go before it or is it; undefined if its key is not free for `flush`, or that one can't go: then it was set aside. */
  first(event: PendingEvent, flush: number, room: Room): PendingEvent | undefined {
    const lane = event.keyLane
    if (lane === undefined) return event
    const first = firstOf(lane) as PendingEvent
    if (this.#isFree(lane, first, { flush, room })) return first
    this.#setAside(lane, first, event)
    return undefined
  }

  #isFree(
    { flying, flush: other }: KeyLane,
    first: PendingEvent,
    { flush, room }: { readonly flush: number; readonly room: Room },
  ): boolean {
    // One of a transaction goes with that, and all after it in its key wait.
    return (flying === 0 || other === flush) && first.state !== 'held' && room(first.topic) > 0
  }

  #setAside(lane: KeyLane, first: PendingEvent, event: PendingEvent): void {
    event.state = 'aside'
    lane.aside++
    if (lane.flying > 0 || first.state === 'held') return
    lane.behind = this.#behindTopics.get(first.topic) ?? new Set()
    this.#behindTopics.set(first.topic, lane.behind.add(lane))
  }

  /** Topics may have room again: what is aside for them comes back. */
  roomAgain(room: Room): void {
    for (const [topic, lanes] of this.#behindTopics) {
      if (room(topic) === 0) continue
      this.#behindTopics.delete(topic)
      for (const lane of lanes) this.#release(lane)
    }
  }

  #release(lane: KeyLane): void {
    lane.behind?.delete(lane)
    for (let event = firstOf(lane); event !== undefined && lane.aside > 0; event = event.nextOfKey) {
      if (event.state !== 'aside') continue
      event.state = 'waiting'
      lane.aside--
      this.#onReleased(event)
    }
  }

  /** The last before `event` in its key that waits for a flush, not for a transaction; `event` waits itself. */
  lastBefore(event: PendingEvent): PendingEvent | undefined {
    let last: PendingEvent | undefined
    for (let one = event.keyLane && firstOf(event.keyLane); one !== undefined && one !== event; one = one.nextOfKey)
      if (waits(one)) last = one
    return last
  }

  /** Whether nothing waits or flies before these events in any of their keys. */
  areNext(events: readonly PendingEvent[]): boolean {
    const seen = new Set<KeyLane>()
    for (const event of events) {
      const lane = event.keyLane
      if (lane === undefined || seen.has(lane)) continue
      seen.add(lane)
      if (lane.flying > 0 || firstOf(lane) !== event) return false
    }
    return true
  }

  /** One that these wait for: it flies or waits before one of them in its key. Undefined: none is known. */
  oneBefore(events: readonly PendingEvent[]): PendingEvent | undefined {
    for (const { keyLane } of events) {
      const first = keyLane && (keyLane.flying > 0 ? keyLane.taken : firstOf(keyLane))
      if (first !== undefined && first.state !== 'settled' && !events.includes(first)) return first
    }
    return undefined
  }

  /** It flies from now on. */
  take(event: PendingEvent, flush: number): void {
    const { keyLane } = event
    if (keyLane === undefined) return
    keyLane.flying++
    keyLane.flush = flush
    keyLane.taken = event
  }

  /** `state`: what it was in before. */
  settle({ lane: key, keyLane: lane }: PendingEvent, state: PendingEvent['state']): void {
    if (lane === undefined) return
    if (state === 'flying') lane.flying--
    else if (state === 'aside') lane.aside--
    if (--lane.unsettled === 0) this.#lanes.delete(key as string)
    if (lane.flying === 0) this.#release(lane)
  }
}

/** Lets go of those before it. */
function firstOf(lane: KeyLane): PendingEvent | undefined {
  let { first } = lane
  while (first !== undefined && !waits(first) && first.state !== 'held') {
    const { nextOfKey } = first
    // Else one that is long gone would keep all after it.
    first.nextOfKey = undefined
    first = nextOfKey
  }
  lane.first = first
  return first
}
