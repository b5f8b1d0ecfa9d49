import { describeValue } from '../internal/describe-value.ts'
import { readInt32, writeInt32 } from './big-endian.ts'
import { fixedWidth } from './fixed-width.ts'

const scratch = new DataView(new ArrayBuffer(8))

/** A floating-point number of 64 bits, as Java's `DoubleSerializer` writes it. */
export const float64Serde = fixedWidth<number>({
  name: 'float64',
  width: 8,
  // 0 and -0 are equal but have different bytes; NaN does not even equal itself.
  identity: false,
  refusal: (value) => (typeof value === 'number' ? undefined : `${describeValue(value)} is no number.`),
  write(bytes, at, value) {
    // Every NaN gets the same bytes, as in Java: one that was read with others may still carry them.
    scratch.setFloat64(0, Number.isNaN(value) ? NaN : value)
    writeInt32(bytes, at, scratch.getInt32(0))
    writeInt32(bytes, at + 4, scratch.getInt32(4))
  },
  read(bytes, at) {
    scratch.setInt32(0, readInt32(bytes, at))
    scratch.setInt32(4, readInt32(bytes, at + 4))
    return scratch.getFloat64(0)
  },
})
