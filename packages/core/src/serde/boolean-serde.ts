import { SerdeError } from '../errors/serde-error.ts'
import { describeValue } from '../internal/describe-value.ts'
import { fixedWidth } from './fixed-width.ts'

/** One byte, 0 or 1, as Java's `BooleanSerializer` writes it. */
export const booleanSerde = fixedWidth<boolean>({
  name: 'boolean',
  width: 1,
  identity: true,
  refusal: (value) => (typeof value === 'boolean' ? undefined : `${describeValue(value)} is no boolean.`),
  write(bytes, at, value) {
    bytes[at] = value ? 1 : 0
  },
  read(bytes, at) {
    const byte = bytes[at] as number
    if (byte > 1) throw new SerdeError('boolean', 'deserialize', `the byte is ${byte}; it must be 0 or 1.`)
    return byte === 1
  },
})
