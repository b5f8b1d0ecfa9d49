import { type BytesColumn, type PackedColumn, viewColumn } from '../batch/bytes-column.ts'
import type { Serde } from './serde.ts'

/** `serde`, and Kafka's null for `null`. */
export function nullable<T>(serde: Serde<T>): Serde<T | null> {
  const { serializeBatch, givesBack } = serde
  return Object.freeze({
    name: `nullable(${serde.name})`,
    total: serde.total,
    immutable: serde.immutable,
    identity: serde.identity,
    // Null is written as it is.
    givesBack: givesBack && ((column: PackedColumn) => givesBack.call(serde, column)),
    serialize: (value: T | null) => (value === null ? null : serde.serialize(value)),
    deserialize: (bytes: Uint8Array, start: number, end: number) => serde.deserialize(bytes, start, end),
    deserializeNull: () => null,
    serializeBatch: serializeBatch && ((values: readonly (T | null)[]) => serializeWithNulls(serde, values)),
    deserializeBatch: (column: BytesColumn) => deserializeWithNulls(serde, column),
  })
}

/** The inner serde packs what is there; the nulls are put between. */
function serializeWithNulls<T>(serde: Serde<T>, values: readonly (T | null)[]): BytesColumn {
  const { length } = values
  const present: T[] = []
  for (let i = 0; i < length; i++) {
    const value = values[i] as T | null
    if (value !== null) present.push(value)
  }
  const inner = (serde.serializeBatch as NonNullable<typeof serde.serializeBatch>)(present)
  if (present.length === length) return inner
  if (inner.form === 'views') {
    const views = new Array<Uint8Array | null>(length)
    for (let i = 0, at = 0; i < length; i++) views[i] = values[i] === null ? null : (inner.views[at++] as Uint8Array | null)
    return viewColumn(views)
  }
  const starts = new Int32Array(length)
  const ends = new Int32Array(length)
  for (let i = 0, at = 0; i < length; i++) {
    if (values[i] === null) ends[i] = -1
    else {
      starts[i] = inner.starts[at] as number
      ends[i] = inner.ends[at++] as number
    }
  }
  return { form: 'packed', length, bytes: inner.bytes, starts, ends }
}

function deserializeWithNulls<T>(serde: Serde<T>, column: BytesColumn): (T | null)[] {
  const values = new Array<T | null>(column.length)
  if (column.form === 'packed') {
    const { bytes, starts, ends } = column
    for (let i = 0; i < values.length; i++) {
      const end = ends[i] as number
      values[i] = end < 0 ? null : serde.deserialize(bytes, starts[i] as number, end)
    }
  } else {
    const { views } = column
    for (let i = 0; i < values.length; i++) {
      const view = views[i]
      values[i] = view === null || view === undefined ? null : serde.deserialize(view, 0, view.byteLength)
    }
  }
  return values
}
