import { asError, type Clock, describeValue, type Header, type Headers, NO_HEADERS } from '@millrace/core'
import { checkPublishOptions } from './check-publish-options.ts'
import { laneOf, ownKey } from './event-key.ts'
import { bytesOfHeaders } from './event-headers.ts'
import { EventIds } from './event-ids.ts'
import type { EventDefinition, EventDefinitions, PublishOptions } from './events.ts'
import { jsonText } from './json-text.ts'
import type { PendingEvent } from './pending-event.ts'
import { PublishError } from './publish-error.ts'

interface Encoding {
  readonly answer: PendingEvent['answer']
  readonly options: PublishOptions | undefined
}

const NONE: PublishOptions = {}

/** What payloads are. */
export interface Payloads {
  /** The text of one whose type has no `serialize`. */
  readonly textOf: (payload: unknown) => string
  /** For how long it has been published, in milliseconds. */
  readonly ageMsOf: (payload: unknown) => number
}

/** As they are given to `publish`. */
const PUBLISHED: Payloads = { textOf: jsonText, ageMsOf: () => 0 }

/** Makes bytes of events, which are its own: what they were made of may change. Throws a `PublishError` of code `NOT_SERIALIZABLE` for one that can't be. */
export class EventEncoder {
  readonly #events: EventDefinitions
  readonly #clock: Clock
  readonly #ids = new EventIds()
  readonly #payloads: Payloads

  /** Default: what is published this very moment, as JSON. */
  constructor(events: EventDefinitions, clock: Clock, payloads = PUBLISHED) {
    this.#events = events
    this.#clock = clock
    this.#payloads = payloads
  }

  encode(type: string, payload: unknown, { answer, options = NONE }: Encoding): PendingEvent {
    const definition = this.#definitionOf(type)
    const id = options.id ?? this.#ids.next()
    try {
      if (options !== NONE) checkPublishOptions(options)
      const key = ownKey(options.key === undefined ? definition.key?.(payload as never) : options.key)
      const keyBytes = byteLength(key)
      const value = definition.serialize === undefined ? this.#payloads.textOf(payload) : bytesBy(definition.serialize, payload)
      const headers = options.headers === undefined ? NO_HEADERS : ownHeaders(options.headers)
      return {
        id,
        type,
        topic: definition.topic,
        key,
        lane: laneOf(key, keyBytes),
        value,
        headers,
        timestamp: options.timestamp ?? this.#clock.now(),
        high: (options.priority ?? definition.priority) === 'high' || (options.critical ?? definition.critical ?? false),
        critical: options.critical ?? definition.critical ?? false,
        bytes: keyBytes + byteLength(value) + bytesOfHeaders({ id, type, headers }),
        sequence: 0,
        epoch: 0,
        arrivedAt: this.#clock.monotonic() - this.#payloads.ageMsOf(payload),
        state: 'new',
        keyLane: undefined,
        nextOfKey: undefined,
        inTransaction: undefined,
        stored: undefined,
        kept: undefined,
        doubtful: undefined,
        between: undefined,
        failure: undefined,
        answer,
      }
    } catch (thrown) {
      const reason = asError(thrown).message
      throw new PublishError('NOT_SERIALIZABLE', `An event of type '${type}' can't be made bytes: ${reason}`, {
        outcome: 'not-sent',
        eventId: id,
        eventType: type,
        topic: definition.topic,
        cause: thrown,
      })
    }
  }

  #definitionOf(type: string): EventDefinition<never> {
    const definition = Object.hasOwn(this.#events, type) ? this.#events[type] : undefined
    if (definition !== undefined) return definition
    const known = Object.keys(this.#events).join(', ')
    throw new PublishError('UNKNOWN_EVENT_TYPE', `There are no events of type ${describeValue(type)}; use one of ${known}.`, {
      outcome: 'not-sent',
      eventType: type,
    })
  }
}

function byteLength(of: string | Uint8Array | null): number {
  return of === null ? 0 : typeof of === 'string' ? Buffer.byteLength(of) : of.byteLength
}

function bytesBy(serialize: (payload: never) => Uint8Array, payload: unknown): Uint8Array {
  const value = serialize(payload as never)
  if (!(value instanceof Uint8Array)) throw new TypeError(`serialize returned ${describeValue(value)}; it must return bytes.`)
  // It may use them again for the next event. (`slice` of a Buffer is no copy.)
  return Buffer.from(value)
}

function ownHeaders(headers: NonNullable<PublishOptions['headers']>): Headers {
  return Object.entries(headers).map(([key, value]): Header => ({ key, value: Buffer.from(value as Uint8Array) }))
}
