import { Fifo } from './fifo.ts'
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

/** An event that waits for room. */
interface Waiter<Event> {
  readonly event: Event
  /** Ascends. */
  readonly place: number
  gone: boolean
}

/** What is taken and not settled yet, in events and bytes, and who waits for room: of each topic in order, of each key over all topics. */
export class EventBuffer<Event extends BufferedEvent = PendingEvent> {
  readonly #options: EventBufferOptions
  readonly #taken: Shares
  readonly #waiting: Shares
  readonly #topics = new Map<string, Fifo<Waiter<Event>>>()
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
    let since = Infinity
    for (const waiters of this.#topics.values()) since = Math.min(since, waiters.peek()?.event.arrivedAt ?? Infinity)
    return since
  }

  /** Whether an event of such a topic waits for room. */
  waitsFor(isSuch: (topic: string) => boolean): boolean {
    for (const [topic, waiters] of this.#topics) if (waiters.peek() !== undefined && isSuch(topic)) return true
    return false
  }

  /** True: it is taken. False: it waits for room. Throws a `PublishError` of code `BUFFER_FULL`. */
  enter(event: Event): boolean {
    if (this.#taken.fits(event) && !this.#isBehind(event)) {
      this.#taken.add(event)
      return true
    }
    if (this.#options.whenFull === 'reject' || !this.#waiting.fits(event)) throw bufferFull(event, this.#options)
    const waiter = { event, place: this.#places++, gone: false }
    this.#waiting.add(event)
    queueOf(this.#topics, event.topic).push(waiter)
    if (event.lane !== undefined) queueOf(this.#lanes, event.lane).push(waiter)
    return false
  }

  /** Takes it whether there is room or not: it is pending already. */
  enterAnyway(event: Event): void {
    this.#taken.add(event)
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
  leave(event: Event): Event[] {
    this.#taken.remove(event)
    if (this.#waiting.events === 0) return []
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
    const expired: Waiter<Event>[] = []
    for (const waiters of [...this.#topics.values()])
      for (let waiter = waiters.peek(); waiter !== undefined && waiter.event.arrivedAt <= time; waiter = waiters.peek()) {
        this.#remove(waiter)
        expired.push(waiter)
      }
    return expired.sort((a, b) => a.place - b.place).map(({ event }) => event)
  }

  #isBehind({ topic, lane }: Event): boolean {
    if (this.#waiting.events === 0) return false
    return this.#topics.has(topic) || (lane !== undefined && this.#lanes.has(lane))
  }

  /** Of those that are the first of their topic and their key, and for whom there is room, the one that came first. */
  #admissible(): Waiter<Event> | undefined {
    let first: Waiter<Event> | undefined
    for (const waiters of this.#topics.values()) {
      const waiter = waiters.peek()
      if (waiter === undefined || (first !== undefined && first.place < waiter.place)) continue
      const { lane } = waiter.event
      if ((lane === undefined || this.#lanes.get(lane)?.peek() === waiter) && this.#taken.fits(waiter.event)) first = waiter
    }
    return first
  }

  #remove(waiter: Waiter<Event>): void {
    const { topic, lane } = waiter.event
    waiter.gone = true
    this.#waiting.remove(waiter.event)
    forget(this.#topics, topic)
    if (lane !== undefined) forget(this.#lanes, lane)
  }
}

function queueOf<Event>(queues: Map<string, Fifo<Waiter<Event>>>, name: string): Fifo<Waiter<Event>> {
  let queue = queues.get(name)
  if (queue === undefined) {
    queue = new Fifo(({ gone }) => !gone)
    queues.set(name, queue)
  }
  return queue
}

/** Of a queue that has nobody any more. */
function forget<Event>(queues: Map<string, Fifo<Waiter<Event>>>, name: string): void {
  const queue = queues.get(name)
  queue?.trim()
  if (queue?.peek() === undefined) queues.delete(name)
}

export function bufferFull(
  { id, type, topic }: Pick<BufferedEvent, 'id' | 'type' | 'topic'>,
  { maxEvents, maxBytes }: EventBufferOptions,
): PublishError {
  const limits = `${maxEvents.toLocaleString('en')} events or ${maxBytes.toLocaleString('en')} bytes (buffer.maxEvents, buffer.maxBytes)`
  const message = `An event of type '${type}' was not taken: ${limits} are pending, or what topic '${topic}' may have of them. Publish it again when there is room.`
  return new PublishError('BUFFER_FULL', message, { outcome: 'not-sent', retryable: true, eventId: id, eventType: type, topic })
}
