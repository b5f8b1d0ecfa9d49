import { describeValue } from '@millrace/core'

/** A copy of a key's bytes; null: there is none. Throws a `TypeError` for what is no key. */
export function bytesOfKey(key: string | Uint8Array | null | undefined): Uint8Array | null {
  if (key === null || key === undefined) return null
  if (typeof key === 'string') return Buffer.from(key)
  // `slice` of a Buffer is no copy.
  if (key instanceof Uint8Array) return Buffer.from(key)
  throw new TypeError(`its key is ${describeValue(key)}; use a text, bytes or null.`)
}

/** Two keys of the same bytes have the same lane; no key has none. */
export function laneOf(key: Uint8Array | null): string | undefined {
  if (key === null) return undefined
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
}
