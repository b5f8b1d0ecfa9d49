/** One record header. `value` is `null` only where the transport tells null and empty apart. */
export interface Header {
  readonly key: string
  readonly value: Uint8Array | null
}

/** Record headers, in order; keys may repeat, as in Kafka. */
export type Headers = readonly Header[]

/** Serialised bytes of a record's headers: of their keys, roughly, and their values. */
export function headerBytes(headers: Headers | undefined): number {
  let bytes = 0
  if (headers === undefined) return bytes
  for (let i = 0; i < headers.length; i++) {
    const { key, value } = headers[i] as Header
    bytes += key.length + (value === null ? 0 : value.byteLength)
  }
  return bytes
}

/** Shared by every record without headers. */
export const NO_HEADERS: Headers = Object.freeze([])
