import type { Headers } from '@millrace/core'
import type { RawHeader } from './raw-api.ts'

/** No bytes, with an address: an array without any is sent as null, which for a value is a tombstone. */
const EMPTY = Buffer.from(' ').subarray(0, 0)
/** The library sends null for an array without an address; null itself makes it throw, after it has queued the record. */
const NULL = Buffer.alloc(0)

/** Bytes as the library must be given them. */
export function producible(bytes: Uint8Array | null): Uint8Array | null {
  return bytes !== null && bytes.byteLength === 0 ? EMPTY : bytes
}

/** Headers as the library must be given them: an object each, of whose properties it takes the first. */
export function producibleHeaders(headers: Headers): RawHeader[] {
  const raw = new Array<RawHeader>(headers.length)
  for (let i = 0; i < headers.length; i++) {
    const { key, value } = headers[i] as Headers[number]
    raw[i] = { [key]: value === null ? NULL : (producible(value) as Uint8Array) }
  }
  return raw
}
