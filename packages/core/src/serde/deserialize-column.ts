import { type BytesColumn, bytesAt } from '../batch/bytes-column.ts'
import { nullOf } from './null-of.ts'
import type { Serde } from './serde.ts'

/** One value of a column that could not be decoded. */
export interface ColumnFailure {
  readonly index: number
  readonly error: unknown
}

/** Decoded values, one for each of the column; `undefined` stands where `failures` names an index. */
export interface DecodedColumn<T> {
  readonly values: readonly T[]
  readonly failures: readonly ColumnFailure[]
}

const NO_FAILURES: readonly ColumnFailure[] = Object.freeze([])

/** Decodes a whole column. One value that can't be decoded does not cost the others: it is named in `failures`. */
export function deserializeColumn<T>(serde: Serde<T>, column: BytesColumn): DecodedColumn<T> {
  if (serde.deserializeBatch !== undefined) {
    try {
      return { values: serde.deserializeBatch(column), failures: NO_FAILURES }
    } catch {
      // Below, record by record, it turns out which ones are at fault.
    }
  }
  const values = new Array<T>(column.length)
  let failures: ColumnFailure[] | undefined
  for (let i = 0; i < column.length; i++) {
    try {
      values[i] = deserializeAt(serde, column, i)
    } catch (error) {
      ;(failures ??= []).push({ index: i, error })
    }
  }
  return { values, failures: failures ?? NO_FAILURES }
}

function deserializeAt<T>(serde: Serde<T>, column: BytesColumn, i: number): T {
  if (column.form === 'packed') {
    const end = column.ends[i] as number
    return end < 0 ? nullOf(serde) : serde.deserialize(column.bytes, column.starts[i] as number, end)
  }
  const bytes = bytesAt(column, i)
  return bytes === null ? nullOf(serde) : serde.deserialize(bytes, 0, bytes.byteLength)
}
