import { SerdeError } from '../errors/serde-error.ts'
import { describeValue } from '../internal/describe-value.ts'
import { readInt32, writeInt32 } from './big-endian.ts'
import { fixedWidth } from './fixed-width.ts'
import { int64Serde } from './int64-serde.ts'

const TWO_TO_32 = 4_294_967_296

/** A number in the bytes of Java's `Long`. What a number can't hold exactly (beyond 2^53 - 1) is refused, both ways. */
export const safeInt64Serde = fixedWidth<number>({
  name: 'safeInt64',
  width: 8,
  identity: true,
  refusal: (value) =>
    Number.isSafeInteger(value) ? undefined : `${describeValue(value)} is no safe integer; use serdes.int64 for what is beyond 2^53 - 1.`,
  write(bytes, at, value) {
    writeInt32(bytes, at, Math.floor(value / TWO_TO_32))
    writeInt32(bytes, at + 4, value)
  },
  read(bytes, at) {
    const value = readInt32(bytes, at) * TWO_TO_32 + (readInt32(bytes, at + 4) >>> 0)
    if (Number.isSafeInteger(value)) return value
    const exact = int64Serde.deserialize(bytes, at, at + 8)
    throw new SerdeError('safeInt64', 'deserialize', `${exact} is no safe integer; use serdes.int64 for what is beyond 2^53 - 1.`)
  },
})
