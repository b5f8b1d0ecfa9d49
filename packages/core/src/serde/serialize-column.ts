import { type BytesColumn, viewColumn } from '../batch/bytes-column.ts'
import type { Serde } from './serde.ts'

/** Encodes a whole column; throws what the serde throws for the first value it refuses. */
export function serializeColumn<T>(serde: Serde<T>, values: readonly T[]): BytesColumn {
  if (serde.serializeBatch !== undefined) return serde.serializeBatch(values)
  const views = new Array<Uint8Array | null>(values.length)
  for (let i = 0; i < values.length; i++) views[i] = serde.serialize(values[i] as T)
  return viewColumn(views)
}
