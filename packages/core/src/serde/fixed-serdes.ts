import type { BytesColumn } from '../batch/bytes-column.ts'
import { SerdeError } from '../errors/serde-error.ts'
import { nullOf } from './deserialize-column.ts'
import type { Serde } from './serde.ts'
import { describeValue } from './string-serde.ts'

interface FixedWidth<T> {
  readonly name: string
  readonly width: number
  /** Whether equal values always have equal bytes and different ones different bytes. */
  readonly identity: boolean
  /** Why a value is refused, if it is. */
  readonly refuse: (value: unknown) => string | undefined
  readonly write: (view: DataView, at: number, value: T) => void
  readonly read: (view: DataView, at: number) => T
}

/** A serde of a fixed number of bytes, big-endian as Java's. */
function fixedWidth<T>({ name, width, identity, refuse, write, read }: FixedWidth<T>): Serde<T> {
  const put = (view: DataView, at: number, value: T): void => {
    const problem = refuse(value)
    if (problem !== undefined) throw new SerdeError(name, 'serialize', problem)
    write(view, at, value)
  }
  const deserialize = (bytes: Uint8Array, start: number, end: number): T => {
    if (end - start !== width) throw new SerdeError(name, 'deserialize', `there are ${end - start} bytes; it takes exactly ${width}.`)
    return read(new DataView(bytes.buffer, bytes.byteOffset + start, width), 0)
  }
  return Object.freeze({
    name,
    immutable: true,
    identity,
    serialize(value: T): Uint8Array {
      const bytes = new Uint8Array(width)
      put(new DataView(bytes.buffer), 0, value)
      return bytes
    },
    deserialize,
    serializeBatch(values: readonly T[]): BytesColumn {
      const count = values.length
      const bytes = new Uint8Array(count * width)
      const view = new DataView(bytes.buffer)
      const starts = new Uint32Array(count)
      const ends = new Int32Array(count)
      for (let i = 0; i < count; i++) {
        put(view, i * width, values[i] as T)
        starts[i] = i * width
        ends[i] = i * width + width
      }
      return { form: 'packed', length: count, bytes, starts, ends }
    },
    deserializeBatch(column: BytesColumn): T[] {
      const values = new Array<T>(column.length)
      if (column.form === 'views') {
        for (let i = 0; i < column.length; i++) {
          const view = column.views[i]
          values[i] = view === null || view === undefined ? nullOf(this) : deserialize(view, 0, view.byteLength)
        }
        return values
      }
      const view = new DataView(column.bytes.buffer, column.bytes.byteOffset, column.bytes.byteLength)
      for (let i = 0; i < column.length; i++) {
        const start = column.starts[i] as number
        const end = column.ends[i] as number
        if (end < 0) values[i] = nullOf(this)
        else if (end - start !== width) values[i] = deserialize(column.bytes, start, end)
        else values[i] = read(view, start)
      }
      return values
    },
  } satisfies Serde<T>)
}

/** One byte: 0 or 1. */
export const booleanSerde = fixedWidth<boolean>({
  name: 'boolean',
  width: 1,
  identity: true,
  refuse: (value) => (typeof value === 'boolean' ? undefined : `${describeValue(value)} is no boolean.`),
  write: (view, at, value) => view.setUint8(at, value ? 1 : 0),
  read: (view, at) => {
    const byte = view.getUint8(at)
    if (byte > 1) throw new SerdeError('boolean', 'deserialize', `the byte is ${byte}; it must be 0 or 1.`)
    return byte === 1
  },
})

/** A whole number of 32 bits, as Java's `Integer`. */
export const int32Serde = fixedWidth<number>({
  name: 'int32',
  width: 4,
  identity: true,
  refuse: (value) => (typeof value === 'number' && (value | 0) === value ? undefined : `${describeValue(value)} is no whole number of 32 bits.`),
  write: (view, at, value) => view.setInt32(at, value),
  read: (view, at) => view.getInt32(at),
})

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/** A bigint of 64 bits, as Java's `Long`. */
export const int64Serde = fixedWidth<bigint>({
  name: 'int64',
  width: 8,
  identity: true,
  refuse: (value) =>
    typeof value === 'bigint' && value >= INT64_MIN && value <= INT64_MAX ? undefined : `${describeValue(value)} is no bigint of 64 bits.`,
  write: (view, at, value) => view.setBigInt64(at, value),
  read: (view, at) => view.getBigInt64(at),
})

const HIGH = 2 ** 32

/** A number on the wire of Java's `Long`; refuses what a number can't hold exactly, both ways. */
export const safeInt64Serde = fixedWidth<number>({
  name: 'safeInt64',
  width: 8,
  identity: true,
  refuse: (value) =>
    typeof value === 'number' && Number.isSafeInteger(value) ? undefined : `${describeValue(value)} is no safe integer; use serdes.int64 for larger ones.`,
  write: (view, at, value) => {
    view.setInt32(at, Math.floor(value / HIGH))
    view.setUint32(at + 4, value >>> 0)
  },
  read: (view, at) => {
    const value = view.getInt32(at) * HIGH + view.getUint32(at + 4)
    if (!Number.isSafeInteger(value)) {
      throw new SerdeError('safeInt64', 'deserialize', `${view.getBigInt64(at)} is no safe integer; use serdes.int64.`)
    }
    return value
  },
})

/** An IEEE 754 number of 64 bits, as Java's `Double`. */
export const float64Serde = fixedWidth<number>({
  name: 'float64',
  width: 8,
  // 0 and -0 are equal but have different bytes.
  identity: false,
  refuse: (value) => (typeof value === 'number' ? undefined : `${describeValue(value)} is no number.`),
  write: (view, at, value) => view.setFloat64(at, value),
  read: (view, at) => view.getFloat64(at),
})
