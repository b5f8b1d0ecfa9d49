import type { BytesColumn, Headers, WriteBatch } from '@millrace/core'
import { HeaderMaker } from './event-headers.ts'
import type { PendingEvent } from './pending-event.ts'

/** Longer texts are written faster by a call than letter by letter. */
const SHORT = 24

/** Events of one topic, as columns: their texts become bytes in one buffer for all. */
export function writeBatchOf(topic: string, events: readonly PendingEvent[]): WriteBatch {
  const { length } = events
  const bytes = Buffer.allocUnsafeSlow(events.reduce((sum, event) => sum + event.bytes, 0))
  const keys = new ColumnMaker(bytes, length)
  const values = new ColumnMaker(bytes, length)
  const made = new HeaderMaker()
  const timestamps = new Array<number>(length)
  const headers = new Array<Headers>(length)
  let at = 0
  for (let row = 0; row < length; row++) {
    const event = events[row] as PendingEvent
    at = keys.put(row, event.key, at)
    at = values.put(row, event.value, at)
    timestamps[row] = event.timestamp
    headers[row] = made.headersOf(event)
  }
  return { topic, length, keys: keys.column, values: values.column, timestamps, headers }
}

/** A column of a buffer that several share. */
class ColumnMaker {
  readonly #bytes: Buffer
  readonly #starts: Int32Array
  readonly #ends: Int32Array

  constructor(bytes: Buffer, length: number) {
    this.#bytes = bytes
    this.#starts = new Int32Array(length)
    this.#ends = new Int32Array(length)
  }

  get column(): BytesColumn {
    return { form: 'packed', length: this.#starts.length, bytes: this.#bytes, starts: this.#starts, ends: this.#ends }
  }

  /** Returns where it ends. */
  put(row: number, value: string | Uint8Array | null, at: number): number {
    const end = at + this.#write(value, at)
    this.#starts[row] = at
    this.#ends[row] = value === null ? -1 : end
    return end
  }

  #write(value: string | Uint8Array | null, at: number): number {
    if (value === null) return 0
    if (typeof value !== 'string') {
      this.#bytes.set(value, at)
      return value.byteLength
    }
    if (value.length > SHORT) return this.#bytes.write(value, at)
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i)
      if (code > 127) return this.#bytes.write(value, at)
      this.#bytes[at + i] = code
    }
    return value.length
  }
}

/** Events by their topics, in their order. */
export function byTopic(events: readonly PendingEvent[]): Map<string, PendingEvent[]> {
  const topics = new Map<string, PendingEvent[]>()
  for (const event of events) {
    const known = topics.get(event.topic)
    if (known === undefined) topics.set(event.topic, [event])
    else known.push(event)
  }
  return topics
}
