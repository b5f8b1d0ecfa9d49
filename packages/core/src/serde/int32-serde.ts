import { describeValue } from '../internal/describe-value.ts'
import { readInt32, writeInt32 } from './big-endian.ts'
import { fixedWidth } from './fixed-width.ts'

/** A whole number of 32 bits, as Java's `IntegerSerializer` writes it. */
export const int32Serde = fixedWidth<number>({
  name: 'int32',
  width: 4,
  identity: true,
  refusal: (value) =>
    typeof value === 'number' && (value | 0) === value
      ? undefined
      : `${describeValue(value)} is no whole number from -2,147,483,648 to 2,147,483,647.`,
  write: writeInt32,
  read: readInt32,
})
