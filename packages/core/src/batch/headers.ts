/** One record header. `value` is `null` only where the transport tells null and empty apart. */
export interface Header {
  readonly key: string
  readonly value: Uint8Array | null
}

/** Record headers, in order; keys may repeat, as in Kafka. */
export type Headers = readonly Header[]

/** Shared by every record without headers. */
export const NO_HEADERS: Headers = Object.freeze([])
