import { type BytesColumn, viewColumn } from '../batch/bytes-column.ts'
import { SerdeError } from '../errors/serde-error.ts'
import type { Serde } from './serde.ts'

/** Encodes a whole column. Throws a {@link SerdeError} whose `index` names the first value that the serde refuses. */
export function serializeColumn<T>(serde: Serde<T>, values: readonly T[]): BytesColumn {
  if (serde.serializeBatch !== undefined) {
    try {
      return serde.serializeBatch(values)
    } catch {
      // Below, value by value, it turns out which one is at fault.
    }
  }
  const views = new Array<Uint8Array | null>(values.length)
  let i = 0
  try {
    for (; i < values.length; i++) views[i] = serde.serialize(values[i] as T)
  } catch (error) {
    throw refusedAt(i, serde.name, error)
  }
  return viewColumn(views)
}

function refusedAt(index: number, serde: string, error: unknown): SerdeError {
  if (error instanceof SerdeError) return new SerdeError(error.serde, 'serialize', error.reason, { cause: error.cause, index })
  return new SerdeError(serde, 'serialize', error instanceof Error ? error.message : String(error), { cause: error, index })
}
