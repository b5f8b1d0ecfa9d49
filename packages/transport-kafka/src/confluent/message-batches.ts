import type { Headers, WireBatch } from '@millrace/core'
import { packedColumn } from './packed-column.ts'
import type { RawHeader, RawMessage } from './raw-api.ts'

/** The rows of one partition while they are gathered. */
interface Rows {
  readonly topic: string
  readonly partition: number
  readonly keys: (Uint8Array | null)[]
  readonly values: (Uint8Array | null)[]
  readonly timestamps: number[]
  readonly offsets: number[]
  headers: (Headers | undefined)[] | undefined
}

// The bytes of a batch are its own: there is nothing to give back.
function release(): void {}

/** One batch a partition, in the order in which the partitions appear. Nothing of the messages is kept, so that they are garbage at once. */
export function messageBatches(
  messages: readonly RawMessage[],
  endOffset: (topic: string, partition: number) => number | undefined,
): WireBatch[] {
  const gathered: Rows[] = []
  let rows: Rows | undefined
  for (const message of messages) {
    // Partitions come in runs, so that most messages need no search; and they are few.
    if (rows === undefined || rows.partition !== message.partition || rows.topic !== message.topic) rows = rowsOf(gathered, message)
    rows.keys.push(message.key)
    rows.values.push(message.value)
    rows.timestamps.push(message.timestamp)
    rows.offsets.push(message.offset)
    if (message.headers !== undefined && message.headers.length > 0) {
      rows.headers ??= []
      rows.headers[rows.offsets.length - 1] = toHeaders(message.headers)
    }
  }
  return gathered.map((one) => toBatch(one, endOffset(one.topic, one.partition)))
}

function rowsOf(gathered: Rows[], { topic, partition }: RawMessage): Rows {
  for (const rows of gathered) if (rows.partition === partition && rows.topic === topic) return rows
  const rows: Rows = { topic, partition, keys: [], values: [], timestamps: [], offsets: [], headers: undefined }
  gathered.push(rows)
  return rows
}

function toBatch({ topic, partition, keys, values, timestamps, offsets, headers }: Rows, endOffset: number | undefined): WireBatch {
  return {
    topic,
    partition,
    length: offsets.length,
    keys: packedColumn(keys),
    values: packedColumn(values),
    timestamps: new Float64Array(timestamps),
    offsets: new Float64Array(offsets),
    headers,
    endOffset,
    release,
  }
}

/** The library has an object for each header, with the key as its only property. Null values come as empty ones: nothing tells them apart. */
function toHeaders(headers: readonly RawHeader[]): Headers {
  return headers.map((header) => {
    const [key] = Object.keys(header)
    // The library sets properties one by one, and setting this one gives the object another prototype instead.
    if (key === undefined) return { key: '__proto__', value: Object.getPrototypeOf(header) as Uint8Array }
    return { key, value: header[key] ?? null }
  })
}
