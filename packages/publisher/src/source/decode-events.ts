import { describeValue, type Headers, isObject, MillraceError } from '@millrace/core'
import { EVENT_BATCH_HEADER, EVENT_ID_HEADER, EVENT_TYPE_HEADER } from '../event-headers.ts'
import type { EventDefinitions, PayloadOf } from '../events.ts'

/** An event as it was read. */
export interface ReceivedEvent<Type extends string = string, Payload = unknown> {
  /** By which repeats are told; undefined where whoever wrote it gave it none. */
  readonly id: string | undefined
  /** Undefined where whoever wrote it said none. */
  readonly type: Type | undefined
  readonly payload: Payload
}

/** The events that these definitions publish, as they are read. Nothing checks that they are. */
export type ReceivedEventOf<Events extends EventDefinitions> = {
  readonly [Type in keyof Events & string]: ReceivedEvent<Type, PayloadOf<Events[Type]>>
}[keyof Events & string]

/** One event of an envelope. */
export interface PackedEvent {
  readonly type: string
  readonly payload: unknown
  /** By which consumers tell repeats. Default: none. */
  readonly id?: string | undefined
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Several events as the value of one record, with the header that says so: `{ "events": [{ "id", "type", "payload" }, ...] }`. For producers that pack; a
 * publisher does not.
 */
export function packEvents(events: readonly PackedEvent[]): { readonly value: Uint8Array; readonly headers: Headers } {
  return {
    value: Buffer.from(JSON.stringify({ events })),
    headers: [{ key: EVENT_BATCH_HEADER, value: Buffer.from(String(events.length)) }],
  }
}

/**
 * The events of one record: one of a publisher, one that is bare, or all of an envelope. A record with the header `millrace-event-batch` is an envelope, one with
 * `millrace-event-type` is not; one with neither is, if it is an object with `events`, each of which has a `type` and a `payload`. It is a bare event if it is an
 * object of a `type` that is a text, a `payload`, perhaps an `id`, and nothing else; any other JSON is a payload of which nobody said the type. Payloads are JSON, but
 * for types whose definition has `deserialize`. Throws a {@link MillraceError} of code `NOT_AN_EVENT`.
 */
export function decodeEvents(value: Uint8Array, headers: Headers, definitions: EventDefinitions = {}): readonly ReceivedEvent[] {
  const type = textOf(headers, EVENT_TYPE_HEADER)
  const definition = type !== undefined && Object.hasOwn(definitions, type) ? definitions[type] : undefined
  if (definition?.deserialize !== undefined)
    return [{ id: textOf(headers, EVENT_ID_HEADER), type, payload: own(value, type as string, definition.deserialize) }]
  const payload = parse(value)
  const isEnvelope = textOf(headers, EVENT_BATCH_HEADER) !== undefined
  if (isEnvelope || (type === undefined && looksPacked(payload))) return unpack(payload)
  const id = textOf(headers, EVENT_ID_HEADER)
  if (type === undefined && isBare(payload)) {
    const bare = eventOf(payload)
    return [{ ...bare, id: bare.id ?? id }]
  }
  return [{ id, type, payload }]
}

function parse(value: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(value)) as unknown
  } catch (cause) {
    throw notAnEvent('it is no JSON', cause)
  }
}

function own(value: Uint8Array, type: string, deserialize: (bytes: Uint8Array) => unknown): unknown {
  try {
    return deserialize(value)
  } catch (cause) {
    throw notAnEvent(`deserialize of type '${type}' throws`, cause)
  }
}

function looksPacked(value: unknown): value is { readonly events: readonly PackedEvent[] } {
  const events = isObject(value) ? (value as { readonly events?: unknown }).events : undefined
  return Array.isArray(events) && events.length > 0 && events.every(isPacked)
}

/** Whoever has other members besides has a form of their own, of which `type` and `payload` are parts. */
function isBare(value: unknown): value is PackedEvent {
  return isPacked(value) && Object.keys(value).every((name) => name === 'id' || name === 'type' || name === 'payload')
}

function isPacked(value: unknown): value is PackedEvent {
  return isObject(value) && typeof (value as Partial<PackedEvent>).type === 'string' && 'payload' in value
}

function unpack(envelope: unknown): readonly ReceivedEvent[] {
  const events = isObject(envelope) ? (envelope as { readonly events?: unknown }).events : undefined
  if (!Array.isArray(events)) throw notAnEvent(`it has the header ${EVENT_BATCH_HEADER}, but 'events' is ${describeValue(events)}`)
  return events.map((one: unknown, i) => {
    if (!isPacked(one)) throw notAnEvent(`event ${i} of it has no type or no payload`)
    return eventOf(one)
  })
}

function eventOf({ id, type, payload }: PackedEvent): ReceivedEvent {
  return { id: typeof id === 'string' ? id : undefined, type, payload }
}

function textOf(headers: Headers, name: string): string | undefined {
  const value = headers.find(({ key }) => key === name)?.value
  return value === undefined || value === null ? undefined : Buffer.from(value).toString()
}

function notAnEvent(why: string, cause?: unknown): MillraceError {
  return new MillraceError('NOT_AN_EVENT', `A record is neither an event nor an envelope of several: ${why}.`, { stage: 'source', cause })
}
