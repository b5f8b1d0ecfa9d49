import type { BatchPolicy, Clock } from '@millrace/core'
import type { BatchMessage, EventMessage } from './messages.ts'

/** How long events wait for company on their way to the worker: each message costs, and so does the answer to it. */
const GATHER_MS = 5
/** No more than this part of the time that batches have. */
const PART_OF_BATCH = 10

export interface OutgoingEventsOptions {
  readonly clock: Clock
  /** Of all batches. */
  readonly policies: readonly BatchPolicy[]
  /** One event, or several. */
  readonly send: (message: EventMessage | BatchMessage) => void
}

/** Events that are about to go to the worker, several in one message. */
export class OutgoingEvents {
  readonly #options: OutgoingEventsOptions
  readonly #gatherMs: number
  /** So many may make a batch. */
  readonly #size: number
  #events: EventMessage[] = []
  #isSoon = false
  #cancel: (() => void) | undefined

  constructor(options: OutgoingEventsOptions) {
    this.#options = options
    this.#gatherMs = Math.min(GATHER_MS, ...options.policies.map(({ timeoutMs }) => timeoutMs / PART_OF_BATCH))
    this.#size = Math.min(...options.policies.map(({ size }) => size))
  }

  /** `atOnce`: with what is published in the same turn. */
  push(event: EventMessage, atOnce: boolean): void {
    this.#events.push(event)
    if (atOnce || this.#events.length >= this.#size) this.#sendSoon()
    else this.#cancel ??= this.#options.clock.after(this.#gatherMs, () => this.send())
  }

  #sendSoon(): void {
    if (this.#isSoon) return
    this.#isSoon = true
    queueMicrotask(() => {
      this.#isSoon = false
      this.send()
    })
  }

  /** Sends them now. */
  send(): void {
    const events = this.clear()
    const [first] = events
    if (first !== undefined) this.#options.send(events.length === 1 ? first : { events })
  }

  has(n: number): boolean {
    return this.#events.some((event) => event.n === n)
  }

  /** They are not sent. */
  clear(): readonly EventMessage[] {
    this.#cancel?.()
    this.#cancel = undefined
    return this.#events.splice(0)
  }
}
