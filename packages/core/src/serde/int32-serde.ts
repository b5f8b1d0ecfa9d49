import { describeValue } from '../internal/describe-value.ts'
import { readInt32, writeInt32 } from './big-endian.ts'
import { fixedWidth } from './fixed-width.ts'

/** A whole number of 32 bits, as Java's `IntegerSerializer` writes it. */
export const int32Serde = fixedWidth<number>({
  name: 'int32',
  width: 4,
  identity: true,
  write(bytes, at, value) {
    if (typeof value !== 'number' || (value | 0) !== value) {
      return `${describeValue(value)} is no whole number from -2,147,483,648 to 2,147,483,647.`
    }
    writeInt32(bytes, at, value)
    return undefined
  },
  read: readInt32,
})
