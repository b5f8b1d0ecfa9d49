import type { Serde } from '@millrace/core'
import { textOfBytes } from '../internal/bytes-text.ts'

/**
 * What stands for a key when keys are compared: two keys of the same bytes have the same. Primitives stand for themselves, byte arrays for their
 * bytes; other objects, of which two may be equal, for what `serde` makes of them. Throws what `serde` throws.
 */
export function keyIdentity(key: unknown, serde: Serde<unknown>): unknown {
  if (typeof key !== 'object' || key === null) return key
  const bytes = key instanceof Uint8Array ? key : serde.serialize(key)
  return bytes === null ? null : textOfBytes(bytes)
}
