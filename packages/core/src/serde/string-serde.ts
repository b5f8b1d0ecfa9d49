import type { BytesColumn, PackedColumn } from '../batch/bytes-column.ts'
import { SerdeError } from '../errors/serde-error.ts'
import { describeValue } from '../internal/describe-value.ts'
import { decodeUtf8, encodeUtf8, isAscii, utf8Length } from '../internal/utf8.ts'
import { nullOf } from './null-of.ts'
import type { Serde } from './serde.ts'

const text: Serde<string> = {
  name: 'string',
  total: true,
  immutable: true,
  identity: true,
  serialize(value: string): Uint8Array {
    const bytes = encodeUtf8(checked(value))
    // Only text with as many bytes as characters is ASCII; the rest has to be looked at.
    if (bytes.length !== value.length && utf8Length(value) < 0) throw illFormed(value)
    return bytes
  },
  deserialize: decodeUtf8,
  serializeBatch(values: readonly string[]): BytesColumn {
    const { length } = values
    const starts = new Int32Array(length)
    const ends = new Int32Array(length)
    let characters = 0
    for (let i = 0; i < length; i++) {
      starts[i] = characters
      characters += checked(values[i]).length
      ends[i] = characters
    }
    // One call for all of them costs a tenth of one each. If nothing grew, all of it is ASCII and the ends are right.
    const bytes = encodeUtf8(values.join(''))
    if (bytes.length !== characters) markLengths(values, starts, ends)
    return { form: 'packed', length, bytes, starts, ends }
  },
  deserializeBatch(column: BytesColumn): string[] {
    const values = new Array<string>(column.length)
    if (column.form === 'packed') {
      const { bytes, starts, ends } = column
      for (let i = 0; i < values.length; i++) {
        const end = ends[i] as number
        values[i] = end < 0 ? nullOf(text) : decodeUtf8(bytes, starts[i] as number, end)
      }
    } else {
      const { views } = column
      for (let i = 0; i < values.length; i++) {
        const view = views[i]
        values[i] = view === null || view === undefined ? nullOf(text) : decodeUtf8(view, 0, view.byteLength)
      }
    }
    return values
  },
}

/**
 * UTF-8 text. Refuses null (see `serdes.nullable`) and strings with half a surrogate pair: they have no UTF-8, and two different ones would
 * get the same bytes. Malformed bytes are read as U+FFFD, as in Java.
 */
export const stringSerde: Serde<string> = Object.freeze(
  // Not enumerable: a copy of this that reads or writes something else does not give back what it reads. Malformed bytes would be written as U+FFFD.
  Object.defineProperty(text, 'givesBack', { value: ({ bytes }: PackedColumn): boolean => isAscii(bytes) }),
)

function markLengths(values: readonly string[], starts: Int32Array, ends: Int32Array): void {
  for (let i = 0, at = 0; i < values.length; i++) {
    const bytes = utf8Length(values[i] as string)
    if (bytes < 0) throw illFormed(values[i] as string)
    starts[i] = at
    at += bytes
    ends[i] = at
  }
}

function checked(value: unknown): string {
  if (typeof value !== 'string') throw new SerdeError('string', 'serialize', `${describeValue(value)} is no string.`)
  return value
}

function illFormed(value: string): SerdeError {
  return new SerdeError('string', 'serialize', `${describeValue(value)} holds half a surrogate pair, which has no UTF-8.`)
}
