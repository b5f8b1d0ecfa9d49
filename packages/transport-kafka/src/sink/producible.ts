import { type Headers, MillraceError } from '@millrace/core'

/** A view of no bytes. An empty buffer made by `Buffer.alloc(0)` has no memory at all, and the client would send it as null: a tombstone. */
const EMPTY = Buffer.from(' ').subarray(0, 0)

/** Bytes as the client must be given them. */
export function producible(bytes: Uint8Array | null): Uint8Array | null {
  return bytes !== null && bytes.byteLength === 0 ? EMPTY : bytes
}

/**
 * Headers as the client must be given them. It throws for null values only after it has queued the record, so they are refused here, before
 * anything is sent.
 */
export function producibleHeaders(headers: Headers, topic: string): Readonly<Record<string, Uint8Array>>[] {
  return headers.map(({ key, value }) => {
    if (value === null) {
      throw new MillraceError(
        'HEADER_NULL',
        `A record for topic '${topic}' has the header '${key}' with the value null, which this Kafka client can't write: leave it out, or use no bytes.`,
        {
          stage: 'sink',
          topic,
        },
      )
    }
    return { [key]: producible(value) as Uint8Array }
  })
}
