import { SerdeError } from '../errors/serde-error.ts'
import { describeValue } from '../internal/describe-value.ts'
import type { Serde } from './serde.ts'

/** For keys or values that are not there: Kafka's null, and nothing else. */
export const voidSerde: Serde<undefined> = Object.freeze({
  name: 'void',
  immutable: true,
  serialize(value: undefined): null {
    if (value !== undefined && value !== null) throw new SerdeError('void', 'serialize', `${describeValue(value)} is not undefined.`)
    return null
  },
  deserialize(_bytes: Uint8Array, start: number, end: number): undefined {
    throw new SerdeError('void', 'deserialize', `there are ${end - start} bytes; it takes null only.`)
  },
  deserializeNull: () => undefined,
})
