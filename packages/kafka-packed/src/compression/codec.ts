/** How the records of a batch are compressed, in the words of Kafka's `compression.type`. */
export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** In the order of the numbers that a batch's attributes say. */
export const COMPRESSIONS: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** One way of compressing, with its library loaded. */
export interface Codec {
  /** Any bytes, none included. */
  compress(bytes: Uint8Array): Uint8Array
  /** Throws when the bytes are damaged, or would become more than `limit`. */
  decompress(bytes: Uint8Array, limit: number): Uint8Array
}

export function tooLarge(limit: number): Error {
  return new Error(`its records would be more than ${limit} bytes`)
}
