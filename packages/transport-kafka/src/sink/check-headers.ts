import type { Header, WriteBatch } from '@millrace/core'

/** Finds what the client would throw for after it has queued the record all the same, or would cut off. Before anything is written. */
export function checkAllHeaders(batch: WriteBatch): void {
  if (batch.headers === undefined) return
  for (let row = 0; row < batch.length; row++) checkHeaders(batch, row)
}

/** The same for one record. */
export function checkHeaders({ topic, headers }: WriteBatch, row: number): void {
  const ofRecord = headers?.[row]
  if (ofRecord === undefined) return
  for (let i = 0; i < ofRecord.length; i++) {
    const { key, value } = ofRecord[i] as Header
    if (typeof key !== 'string') throw new TypeError(`A record for topic '${topic}' has a header whose key is not a string.`)
    if (key.includes('\0')) throw new TypeError(`Header ${JSON.stringify(key)} of a record for topic '${topic}' has a zero in its key.`)
    if (value !== null && !(value instanceof Uint8Array)) {
      throw new TypeError(`Header '${key}' of a record for topic '${topic}' is neither bytes (Uint8Array) nor null.`)
    }
  }
}
