import { describeValue } from '@millrace/core'

/** A key as it is kept: bytes are copied, null is none. Throws a `TypeError` for what is no key. */
export function ownKey(key: string | Uint8Array | null | undefined): string | Uint8Array | null {
  if (key === null || key === undefined) return null
  if (typeof key === 'string') return key
  // `slice` of a Buffer is no copy.
  if (key instanceof Uint8Array) return Buffer.from(key)
  throw new TypeError(`its key is ${describeValue(key)}; use a text, bytes or null.`)
}

/** Two keys of the same bytes have the same lane; no key has none. `bytes`: how many it has. */
export function laneOf(key: string | Uint8Array | null, bytes: number): string | undefined {
  if (key === null) return undefined
  // A text of as many bytes as letters is the same in Latin-1.
  if (typeof key === 'string') return key.length === bytes ? key : Buffer.from(key).toString('latin1')
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
}
