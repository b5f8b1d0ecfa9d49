import { type Header, headerBytes, type Headers } from '@millrace/core'
import type { PendingEvent } from './pending-event.ts'

/** The header that says which event a record is: the same when it is sent again. */
export const EVENT_ID_HEADER = 'millrace-event-id'
/** The header that says of which type an event is. */
export const EVENT_TYPE_HEADER = 'millrace-event-type'
/** The header of an envelope, which holds several events: how many. */
export const EVENT_BATCH_HEADER = 'millrace-event-batch'

/** Of all headers of an event. */
export function bytesOfHeaders({ id, type, headers }: Pick<PendingEvent, 'id' | 'type' | 'headers'>): number {
  return EVENT_ID_HEADER.length + Buffer.byteLength(id) + EVENT_TYPE_HEADER.length + Buffer.byteLength(type) + headerBytes(headers)
}

/** Makes the headers of events that are sent together. */
export class HeaderMaker {
  readonly #types = new Map<string, Header>()

  headersOf({ id, type, headers }: PendingEvent): Headers {
    let typeHeader = this.#types.get(type)
    if (typeHeader === undefined) {
      typeHeader = { key: EVENT_TYPE_HEADER, value: Buffer.from(type) }
      this.#types.set(type, typeHeader)
    }
    const idHeader = { key: EVENT_ID_HEADER, value: Buffer.from(id) }
    return headers.length === 0 ? [idHeader, typeHeader] : [idHeader, typeHeader, ...headers]
  }
}
