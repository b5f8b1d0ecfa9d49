import type { BatchPolicy, Clock } from '@millrace/core'
import type { BatchMessage, CallMessage, EventMessage } from './messages.ts'
import type { Call, SentEvent } from './sent-event.ts'

/** How long events wait for company on their way to the worker: each message costs, and so does the answer to it. */
const GATHER_MS = 5
/** No more than this part of the time that batches have. */
const PART_OF_BATCH = 10

/** An event, or a call with those of a transaction. */
export type Outgoing = SentEvent | Call

export interface OutgoingOptions {
  readonly clock: Clock
  /** Of all batches. */
  readonly policies: readonly BatchPolicy[]
  /** Whether there is a worker that takes them; if not, one is made so. */
  readonly open: () => boolean
  /** One event, several, or a call; `since`: when the first of all that goes now was published; Infinity: none does. */
  readonly send: (message: EventMessage | BatchMessage | CallMessage, since: number) => void
}

/** What is about to go to the worker, in its order, several events in one message; all of it, while there is no worker that takes it. */
export class OutgoingQueue {
  readonly #options: OutgoingOptions
  readonly #gatherMs: number
  /** So many may make a batch. */
  readonly #size: number
  #waiting: Outgoing[] = []
  #isSoon = false
  #cancel: (() => void) | undefined

  constructor(options: OutgoingOptions) {
    this.#options = options
    this.#gatherMs = Math.min(GATHER_MS, ...options.policies.map(({ timeoutMs }) => timeoutMs / PART_OF_BATCH))
    this.#size = Math.min(...options.policies.map(({ size }) => size))
  }

  /** When the first event that waits was published; Infinity: none does. */
  get since(): number {
    for (const one of this.#waiting) {
      const event = isCall(one) ? one.events[0] : one
      if (event !== undefined) return event.arrivedAt
    }
    return Infinity
  }

  /** `atOnce`: with what is published in the same turn. */
  push(event: SentEvent, atOnce: boolean): void {
    this.#waiting.push(event)
    if (atOnce || this.#waiting.length >= this.#size) this.#sendSoon()
    else this.#cancel ??= this.#options.clock.after(this.#gatherMs, () => this.send())
  }

  /** Goes now, behind what was published before. */
  call(call: Call): void {
    this.#waiting.push(call)
    this.send()
  }

  #sendSoon(): void {
    if (this.#isSoon) return
    this.#isSoon = true
    queueMicrotask(() => {
      this.#isSoon = false
      this.send()
    })
  }

  /** Sends everything now, if there is a worker for it. */
  send(): void {
    this.#cancel?.()
    this.#cancel = undefined
    if (this.#waiting.length === 0 || !this.#options.open()) return
    const now = this.#options.clock.monotonic()
    const { since } = this
    let events: EventMessage[] = []
    for (const one of this.#waiting.splice(0)) {
      one.handedOver = true
      if (isCall(one)) {
        for (const event of one.events) {
          event.handedOver = true
          event.message.ageMs = now - event.arrivedAt
        }
        this.#sendEvents(events, since)
        events = []
        this.#options.send(one.message, since)
      } else {
        one.message.ageMs = now - one.arrivedAt
        events.push(one.message)
      }
    }
    this.#sendEvents(events, since)
  }

  #sendEvents(events: readonly EventMessage[], since: number): void {
    const [first] = events
    if (first !== undefined) this.#options.send(events.length === 1 ? first : { events }, since)
  }

  /** Takes out those that are so. */
  take(isSuch: (one: Outgoing) => boolean): readonly Outgoing[] {
    const taken: Outgoing[] = []
    const left: Outgoing[] = []
    for (const one of this.#waiting) (isSuch(one) ? taken : left).push(one)
    this.#waiting = left
    return taken
  }
}

export function isCall(one: Outgoing): one is Call {
  return 'events' in one
}
