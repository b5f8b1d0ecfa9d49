import { type Serde, serdes, type SourceOptions, type Stream, type TopologyBuilder } from '@millrace/core'
import { EVENT_ID_HEADER, EVENT_TYPE_HEADER } from '../event-headers.ts'
import type { EventDefinitions } from '../events.ts'
import { decodeEvents, type ReceivedEventOf } from './decode-events.ts'

const TEXT = serdes.nullable(serdes.string)

/** What is read, and how. */
export interface EventSourceOptions<Events extends EventDefinitions = EventDefinitions, K = string | null> extends Omit<
  SourceOptions<K, Uint8Array | null>,
  'key' | 'value' | 'timestamp'
> {
  /** Their definitions: those with `deserialize` are read by that. Default: none, payloads are JSON. */
  readonly events?: Events | undefined
  /** How keys are read. Default: as text, or null; keys that are other bytes need one of their own, such as `serdes.nullable(serdes.bytes)`. */
  readonly key?: Serde<K> | undefined
}

/**
 * Reads topics that hold single events, envelopes of several, or both, told apart as {@link decodeEvents} says: each event is a record of its own, in its order, with the
 * key, timestamp and headers of the record that it came in. A record that is neither fails at the node `NAME-decode`; deletions (null values) are left out.
 *
 * ```ts
 * import { TopologyBuilder } from 'millrace'
 * import { event, eventSource } from 'millrace/publisher'
 *
 * const events = { 'order.created': event<{ id: string; total: number }>({ topic: 'orders' }) }
 *
 * const builder = new TopologyBuilder('orders')
 * eventSource<typeof events>(builder, 'orders', { topics: ['orders'] }).peek('show', ({ value }) => console.log(value.type, value.payload.total))
 * ```
 */
export function eventSource<Events extends EventDefinitions, K = string | null>(
  builder: TopologyBuilder,
  name: string,
  { events, key, ...options }: EventSourceOptions<Events, K>,
): Stream<K, ReceivedEventOf<Events>> {
  // Without one keys are text: what K is then, by default.
  const own = key ?? (TEXT as unknown as Serde<K>)
  const source = builder.source(name, { ...options, key: own, value: serdes.nullable(serdes.bytes) })
  return source.flatMap(`${name}-decode`, ({ value, ...record }) => {
    if (value === null) return []
    return decodeEvents(value, record.headers, events).map((event) => ({
      ...record,
      value: event as ReceivedEventOf<Events>,
      // Of an envelope, each event gets its own; one that is bare does, too.
      headers: record.headers.some(({ key }) => key === EVENT_TYPE_HEADER) ? record.headers : [...record.headers, ...headersOf(event)],
    }))
  })
}

function headersOf({ id, type }: { readonly id: string | undefined; readonly type: string | undefined }) {
  const own = [
    { key: EVENT_ID_HEADER, text: id },
    { key: EVENT_TYPE_HEADER, text: type },
  ]
  return own.flatMap(({ key, text }) => (text === undefined ? [] : [{ key, value: Buffer.from(text) }]))
}
