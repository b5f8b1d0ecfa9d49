import { describeValue } from '../internal/describe-value.ts'
import { readInt32, writeInt32 } from './big-endian.ts'
import { fixedWidth } from './fixed-width.ts'

// BigInt arithmetic allocates; a view of eight bytes does the conversion without.
const scratch = new DataView(new ArrayBuffer(8))

/** A bigint of 64 bits, as Java's `LongSerializer` writes it. */
export const int64Serde = fixedWidth<bigint>({
  name: 'int64',
  width: 8,
  identity: true,
  refusal: (value) =>
    typeof value === 'bigint' && BigInt.asIntN(64, value) === value ? undefined : `${describeValue(value)} is no bigint of 64 bits.`,
  write(bytes, at, value) {
    scratch.setBigInt64(0, value)
    writeInt32(bytes, at, scratch.getInt32(0))
    writeInt32(bytes, at + 4, scratch.getInt32(4))
  },
  read(bytes, at) {
    scratch.setInt32(0, readInt32(bytes, at))
    scratch.setInt32(4, readInt32(bytes, at + 4))
    return scratch.getBigInt64(0)
  },
})
