import { Fifo } from './fifo.ts'
import { Heap } from './heap.ts'
import type { PendingEvent } from './pending-event.ts'
import { PublishError } from './publish-error.ts'
import { Shares } from './shares.ts'

export interface EventBufferOptions {
  readonly maxEvents: number
  readonly maxBytes: number
  readonly whenFull: 'wait' | 'reject'
}

/** What is counted of an event. */
export type BufferedEvent = Pick<PendingEvent, 'id' | 'type' | 'topic' | 'lane' | 'bytes' | 'arrivedAt'>

/** An event that waits for room, or for one of its key that does. */
interface Waiter<Event> {
  readonly event: Event
  /** Ascends. */
  readonly place: number
  gone: boolean
}

/** What is taken and not settled yet, in events and bytes, and who waits for room: in the order of each key over all topics, and of what waits for the same topic. */
export class EventBuffer<Event extends BufferedEvent = PendingEvent> {
  readonly #options: EventBufferOptions
  readonly #taken: Shares
  readonly #waiting: Shares
  readonly #waiters = waitersInOrder<Event>()
  /** Those that wait for nothing but room for their topic. */
  readonly #ready = new Map<string, Heap<Waiter<Event>>>()
  /** Of each key: all but the first wait for those before. */
  readonly #lanes = new Map<string, Fifo<Waiter<Event>>>()
  #places = 0

  /** `topics`: how many there are. */
  constructor(options: EventBufferOptions, topics: number) {
    this.#options = options
    this.#taken = new Shares({ ...options, topics })
    this.#waiting = new Shares({ ...options, topics })
  }

  get bytes(): number {
    return this.#taken.bytes
  }

  get waiting(): number {
    return this.#waiting.events
  }

  /** Since when the first of them has waited; Infinity: nobody does. */
  get waitingSince(): number {
    return this.#waiters.peek()?.event.arrivedAt ?? Infinity
  }

  /** Whether an event waits for room for such a topic. */
  waitsFor(isSuch: (topic: string) => boolean): boolean {
    for (const topic of this.#ready.keys()) if (isSuch(topic)) return true
    return false
  }

  /** True: it is taken. False: it waits for room. Throws a `PublishError` of code `BUFFER_FULL`. */
  enter(event: Event): boolean {
    if (this.#goesIn(event)) return true
    if (this.#options.whenFull === 'reject' || !this.#waiting.fits(event)) throw bufferFull(event, this.#options)
    this.#wait(event)
    return false
  }

  /** As `enter`, and waits whether there is room to wait or not: it is on disk already. */
  enterAnyway(event: Event): boolean {
    if (this.#goesIn(event)) return true
    this.#wait(event)
    return false
  }

  #goesIn(event: Event): boolean {
    if (!this.#taken.fits(event) || this.#isBehind(event)) return false
    this.#taken.add(event)
    return true
  }

  #wait(event: Event): void {
    const waiter = { event, place: this.#places++, gone: false }
    const { topic, lane } = event
    this.#waiting.add(event)
    this.#waiters.push(waiter)
    const isReady = lane === undefined || !this.#lanes.has(lane)
    if (lane !== undefined) this.#laneOf(lane).push(waiter)
    if (isReady) this.#readyOf(topic).push(waiter)
  }

  /** Takes all of them, or none: then there is no room for all, or others of their topics or keys wait for it. */
  enterAll(events: readonly Event[]): boolean {
    const isEmpty = this.#taken.events === 0
    const entered: Event[] = []
    for (const event of events) {
      if (this.#isBehind(event) || !(isEmpty || this.#taken.fits(event))) {
        for (const each of entered) this.#taken.remove(each)
        return false
      }
      this.#taken.add(event)
      entered.push(event)
    }
    return true
  }

  /** It is settled; returns those that have room now. */
  leave(event: Event): readonly Event[] {
    this.#taken.remove(event)
    if (this.#waiting.events === 0) return NOBODY
    const admitted: Event[] = []
    for (let next = this.#admissible(); next !== undefined; next = this.#admissible()) {
      this.#remove(next)
      this.#taken.add(next.event)
      admitted.push(next.event)
    }
    return admitted
  }

  /** Those that have waited since before `time` wait no longer. */
  expire(time: number): Event[] {
    const expired: Event[] = []
    for (let first = this.#waiters.peek(); first !== undefined && first.event.arrivedAt <= time; first = this.#waiters.peek()) {
      this.#remove(first)
      expired.push(first.event)
    }
    return expired
  }

  #isBehind({ topic, lane }: Event): boolean {
    if (this.#waiting.events === 0) return false
    return this.#ready.has(topic) || (lane !== undefined && this.#lanes.has(lane))
  }

  /** Of those for whom there is room, the one that came first. */
  #admissible(): Waiter<Event> | undefined {
    let first: Waiter<Event> | undefined
    for (const { first: waiter } of this.#ready.values()) {
      if (waiter === undefined || (first !== undefined && first.place < waiter.place)) continue
      if (this.#taken.fits(waiter.event)) first = waiter
    }
    return first
  }

  /** It is the first of its key, and of those that are ready for its topic. */
  #remove(waiter: Waiter<Event>): void {
    const { topic, lane } = waiter.event
    waiter.gone = true
    this.#waiting.remove(waiter.event)
    this.#waiters.trim()
    const ready = this.#readyOf(topic)
    ready.shift()
    if (ready.first === undefined) this.#ready.delete(topic)
    if (lane === undefined) return
    const ofKey = this.#laneOf(lane)
    ofKey.trim()
    const next = ofKey.peek()
    if (next === undefined) this.#lanes.delete(lane)
    // It may have come before others that are ready, or behind them.
    else this.#readyOf(next.event.topic).push(next)
  }

  #readyOf(topic: string): Heap<Waiter<Event>> {
    let ready = this.#ready.get(topic)
    if (ready === undefined) {
      ready = new Heap(({ place }) => place)
      this.#ready.set(topic, ready)
    }
    return ready
  }

  #laneOf(lane: string): Fifo<Waiter<Event>> {
    let ofKey = this.#lanes.get(lane)
    if (ofKey === undefined) {
      ofKey = waitersInOrder()
      this.#lanes.set(lane, ofKey)
    }
    return ofKey
  }
}

const NOBODY: readonly never[] = []

function waitersInOrder<Event>(): Fifo<Waiter<Event>> {
  return new Fifo(({ gone }) => !gone)
}

export function bufferFull(
  { id, type, topic }: Pick<BufferedEvent, 'id' | 'type' | 'topic'>,
  { maxEvents, maxBytes }: EventBufferOptions,
): PublishError {
  const limits = `${maxEvents.toLocaleString('en')} events or ${maxBytes.toLocaleString('en')} bytes (buffer.maxEvents, buffer.maxBytes)`
  const message = `An event of type '${type}' was not taken: ${limits} are pending, or what topic '${topic}' may have of them. Publish it again when there is room.`
  return new PublishError('BUFFER_FULL', message, { outcome: 'not-sent', retryable: true, eventId: id, eventType: type, topic })
}
