import { EventEncoder } from '../event-encoder.ts'
import type { EventDefinitions, PublishOptions } from '../events.ts'
import type { ResolvedPublisher } from '../resolve-options.ts'
import type { SentEvent } from './sent-event.ts'

/** Makes of what is published what goes to the worker, and numbers it. */
export class SentEventMaker {
  readonly #encoder: EventEncoder
  readonly #events: EventDefinitions
  #last = 0

  constructor({ events, clock }: Pick<ResolvedPublisher, 'events' | 'clock'>) {
    this.#events = events
    // What the worker makes of it is its business: it is sent as JSON.
    this.#encoder = new EventEncoder(withoutSerializers(events), clock)
  }

  /** Of events and calls, by which they are answered. */
  number(): number {
    return ++this.#last
  }

  /** Throws a `PublishError` for what can't be sent. */
  make(
    type: string,
    payload: unknown,
    { answer, options }: Pick<SentEvent, 'answer'> & { readonly options: PublishOptions | undefined },
  ): SentEvent {
    const pending = this.#encoder.encode(type, payload, { answer, options })
    const { id, topic, lane, key, value, bytes, timestamp, headers, arrivedAt, critical: atOnce } = pending
    const { priority, critical } = options ?? {}
    // Copies, since it may wait here.
    const own = headers.length === 0 ? undefined : Object.fromEntries(headers.map((header) => [header.key, header.value as Uint8Array]))
    // Names of what is not given would go there, too, with each event.
    const isPlain = own === undefined && priority === undefined && critical === undefined
    const about = isPlain ? { id, key, timestamp } : { id, key, timestamp, headers: own, priority, critical }
    const message = { n: this.number(), type, json: value as string, options: about, ageMs: 0 }
    const countedLate = this.#events[type]?.serialize !== undefined
    return { id, type, topic, lane, bytes, critical: atOnce, arrivedAt, message, answer, handedOver: false, countedLate, epoch: 0 }
  }
}

/** What is left to the worker to serialise goes to it as JSON. */
function withoutSerializers(events: EventDefinitions): EventDefinitions {
  return Object.fromEntries(Object.entries(events).map(([type, { serialize: _s, ...definition }]) => [type, definition]))
}
