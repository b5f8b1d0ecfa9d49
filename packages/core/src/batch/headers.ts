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
  if (headers !== undefined) for (const { key, value } of headers) bytes += key.length + (value?.byteLength ?? 0)
  return bytes
}

/** Shared by every record without headers. */
export const NO_HEADERS: Headers = Object.freeze([])
