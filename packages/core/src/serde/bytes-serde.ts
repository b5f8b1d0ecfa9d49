import { SerdeError } from '../errors/serde-error.ts'
import { describeValue } from '../internal/describe-value.ts'
import type { Serde } from './serde.ts'

/** Bytes as they are. Those that were read are copies and may be kept; those to be written must not be changed afterwards. */
export const bytesSerde: Serde<Uint8Array> = Object.freeze({
  name: 'bytes',
  total: true,
  serialize(value: Uint8Array): Uint8Array {
    if (!(value instanceof Uint8Array)) throw new SerdeError('bytes', 'serialize', `${describeValue(value)} is no Uint8Array.`)
    return value
  },
  // Not bytes.slice(): of a Node Buffer it would be a view.
  deserialize: (bytes: Uint8Array, start: number, end: number) => new Uint8Array(bytes.subarray(start, end)),
})
