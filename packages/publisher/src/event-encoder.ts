import { asError, type Clock, describeValue, type Header, headerBytes } from '@millrace/core'
import { randomUUID } from 'node:crypto'
import { checkPublishOptions } from './check-publish-options.ts'
import { bytesOfKey, laneOf } from './event-key.ts'
import { EVENT_ID_HEADER, EVENT_TYPE_HEADER } from './event-headers.ts'
import type { EventDefinition, EventDefinitions, PublishOptions } from './events.ts'
import { jsonText } from './json-text.ts'
import type { PendingEvent } from './pending-event.ts'
import { PublishError } from './publish-error.ts'

interface Encoding {
  readonly answer: PendingEvent['answer']
  readonly options: PublishOptions | undefined
}

const NONE: PublishOptions = {}

/** Makes bytes of events. Throws a `PublishError` of code `NOT_SERIALIZABLE` for one that can't be. */
export class EventEncoder {
  readonly #events: EventDefinitions
  readonly #clock: Clock
  /** Of each type, made once. */
  readonly #typeHeaders = new Map<string, Header>()

  constructor(events: EventDefinitions, clock: Clock) {
    this.#events = events
    this.#clock = clock
  }

  encode(type: string, payload: unknown, { answer, options = NONE }: Encoding): PendingEvent {
    const definition = this.#definitionOf(type)
    const id = options.id ?? randomUUID()
    try {
      checkPublishOptions(options)
      const key = bytesOfKey(options.key === undefined ? definition.key?.(payload as never) : options.key)
      const value = definition.serialize === undefined ? Buffer.from(jsonText(payload)) : definition.serialize(payload as never)
      if (!(value instanceof Uint8Array)) throw new TypeError(`serialize returned ${describeValue(value)}; it must return bytes.`)
      const headers = this.#headersOf(type, id, options.headers)
      return {
        id,
        type,
        topic: definition.topic,
        key,
        lane: laneOf(key),
        value,
        headers,
        timestamp: options.timestamp ?? this.#clock.now(),
        high: (options.priority ?? definition.priority) === 'high' || (options.critical ?? definition.critical ?? false),
        critical: options.critical ?? definition.critical ?? false,
        bytes: (key?.byteLength ?? 0) + value.byteLength + headerBytes(headers),
        sequence: 0,
        epoch: 0,
        arrivedAt: 0,
        state: 'new',
        keyLane: undefined,
        nextOfKey: undefined,
        stored: undefined,
        kept: undefined,
        doubtful: undefined,
        between: undefined,
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

  #headersOf(type: string, id: string, own: PublishOptions['headers']): Header[] {
    let typeHeader = this.#typeHeaders.get(type)
    if (typeHeader === undefined) {
      typeHeader = { key: EVENT_TYPE_HEADER, value: Buffer.from(type) }
      this.#typeHeaders.set(type, typeHeader)
    }
    const headers: Header[] = [{ key: EVENT_ID_HEADER, value: Buffer.from(id) }, typeHeader]
    for (const [key, value] of Object.entries(own ?? {})) headers.push({ key, value: Buffer.from(value as Uint8Array) })
    return headers
  }
}
