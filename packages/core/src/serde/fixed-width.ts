import type { BytesColumn } from '../batch/bytes-column.ts'
import { SerdeError } from '../errors/serde-error.ts'
import { nullOf } from './null-of.ts'
import type { Serde } from './serde.ts'

/** A serde of values that all have the same number of bytes. */
export interface FixedWidth<T> {
  readonly name: string
  readonly width: number
  readonly identity: boolean
  /** Why `value` is refused, if it is. */
  readonly refusal: (value: T) => string | undefined
  /** Puts `value`, which is not refused, into `bytes` at `at`. */
  readonly write: (bytes: Uint8Array, at: number, value: T) => void
  /** The value in `bytes` at `at`; throws for bytes that are none. */
  readonly read: (bytes: Uint8Array, at: number) => T
}

/** Makes a serde whose columns are packed: one array for all values. Bytes of any other length are refused. */
export function fixedWidth<T>({ name, width, identity, refusal, write, read }: FixedWidth<T>): Serde<T> {
  const check = (value: T): void => {
    const problem = refusal(value)
    if (problem !== undefined) throw new SerdeError(name, 'serialize', problem)
  }
  const put = (bytes: Uint8Array, at: number, value: T): void => {
    check(value)
    write(bytes, at, value)
  }
  const take = (bytes: Uint8Array, start: number, end: number): T => {
    if (end - start !== width) throw new SerdeError(name, 'deserialize', `there are ${end - start} bytes; it takes exactly ${width}.`)
    return read(bytes, start)
  }
  const serde: Serde<T> = {
    name,
    immutable: true,
    identity,
    serialize(value) {
      const bytes = new Uint8Array(width)
      put(bytes, 0, value)
      return bytes
    },
    byteLength(value) {
      check(value)
      return width
    },
    deserialize: take,
    serializeBatch(values): BytesColumn {
      const { length } = values
      const bytes = new Uint8Array(length * width)
      const starts = new Int32Array(length)
      const ends = new Int32Array(length)
      for (let i = 0, at = 0; i < length; i++) {
        put(bytes, at, values[i] as T)
        starts[i] = at
        at += width
        ends[i] = at
      }
      return { form: 'packed', length, bytes, starts, ends }
    },
    deserializeBatch(column) {
      const values = new Array<T>(column.length)
      if (column.form === 'packed') {
        const { bytes, starts, ends } = column
        for (let i = 0; i < values.length; i++) {
          const end = ends[i] as number
          values[i] = end < 0 ? nullOf(serde) : take(bytes, starts[i] as number, end)
        }
      } else {
        const { views } = column
        for (let i = 0; i < values.length; i++) {
          const view = views[i]
          values[i] = view === null || view === undefined ? nullOf(serde) : take(view, 0, view.byteLength)
        }
      }
      return values
    },
  }
  return Object.freeze(serde)
}
