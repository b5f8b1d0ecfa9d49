import type { PendingEvent } from './pending-event.ts'
import { PublishError } from './publish-error.ts'

export interface EventBufferOptions {
  readonly maxEvents: number
  readonly maxBytes: number
  readonly whenFull: 'wait' | 'reject'
}

/** What is counted of an event. */
export type BufferedEvent = Pick<PendingEvent, 'id' | 'type' | 'topic' | 'bytes' | 'arrivedAt'>

/** What is taken and not settled yet, in events and bytes, and who waits for room. An event larger than all of it has room when nothing else is there. */
export class EventBuffer<Event extends BufferedEvent = PendingEvent> {
  readonly #options: EventBufferOptions
  #events = 0
  bytes = 0
  #waiting: Event[] = []
  #waitingBytes = 0

  constructor(options: EventBufferOptions) {
    this.#options = options
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** In the order in which they came. */
  get waiters(): readonly Event[] {
    return this.#waiting
  }

  /** True: it is taken. False: it waits for room. Throws a `PublishError` of code `BUFFER_FULL`. */
  enter(event: Event): boolean {
    if (this.#waiting.length === 0 && this.#hasRoom(event)) {
      this.#events++
      this.bytes += event.bytes
      return true
    }
    const { maxEvents, maxBytes, whenFull } = this.#options
    const refused =
      whenFull === 'reject' || this.#waiting.length >= maxEvents || this.#waitingBytes + event.bytes > Math.max(maxBytes, event.bytes)
    if (refused) throw bufferFull(event, this.#options)
    this.#waiting.push(event)
    this.#waitingBytes += event.bytes
    return false
  }

  /** Takes it whether there is room or not: it is pending already. */
  enterAnyway({ bytes }: Event): void {
    this.#events++
    this.bytes += bytes
  }

  /** Takes all of them, or none: then there is no room for all, or others wait for it. */
  enterAll(events: readonly Event[]): boolean {
    const bytes = events.reduce((sum, event) => sum + event.bytes, 0)
    const { maxEvents, maxBytes } = this.#options
    const isEmpty = this.#events === 0 && this.#waiting.length === 0
    if (!isEmpty && (this.#waiting.length > 0 || this.#events + events.length > maxEvents || this.bytes + bytes > maxBytes)) return false
    this.#events += events.length
    this.bytes += bytes
    return true
  }

  /** It is settled; returns those that have room now. */
  leave(event: Event): Event[] {
    this.#events--
    this.bytes -= event.bytes
    return this.#admit()
  }

  #admit(): Event[] {
    const admitted: Event[] = []
    for (const next of this.#waiting) {
      if (!this.#hasRoom(next)) break
      this.#events++
      this.bytes += next.bytes
      this.#waitingBytes -= next.bytes
      admitted.push(next)
    }
    if (admitted.length > 0) this.#waiting = this.#waiting.slice(admitted.length)
    return admitted
  }

  /** Those that have waited since before `time` wait no longer. */
  expire(time: number): Event[] {
    const first = this.#waiting.findIndex(({ arrivedAt }) => arrivedAt > time)
    const expired = this.#waiting.splice(0, first < 0 ? this.#waiting.length : first)
    for (const { bytes } of expired) this.#waitingBytes -= bytes
    return expired
  }

  #hasRoom({ bytes }: Event): boolean {
    const { maxEvents, maxBytes } = this.#options
    return this.#events < maxEvents && (this.bytes + bytes <= maxBytes || this.#events === 0)
  }
}

export function bufferFull({ id, type, topic }: BufferedEvent, { maxEvents, maxBytes }: EventBufferOptions): PublishError {
  const limits = `${maxEvents.toLocaleString('en')} events or ${maxBytes.toLocaleString('en')} bytes (buffer.maxEvents, buffer.maxBytes)`
  return new PublishError(
    'BUFFER_FULL',
    `An event of type '${type}' was not taken: ${limits} are pending. Publish it again when there is room.`,
    {
      outcome: 'not-sent',
      retryable: true,
      eventId: id,
      eventType: type,
      topic,
    },
  )
}
