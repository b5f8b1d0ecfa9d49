import { type BytesColumn, bytesAt } from '@millrace/core'
import { producible } from './producible.ts'

/** Up to so many bytes a copy costs a fraction of a view, which is an object to be made and collected for each record. */
const SHORT_BYTES = 64

/**
 * What of a record is one column's, as the library must be given it. It copies what it is given before it returns: so short rows share a buffer, one for each length,
 * which the next row overwrites. Keys and values need one each.
 */
export class ProducibleColumn {
  readonly #shared: Uint8Array[] = []

  at(column: BytesColumn, row: number): Uint8Array | null {
    if (column.form === 'packed') {
      const start = column.starts[row] as number
      // Negative for null.
      const length = (column.ends[row] as number) - start
      if (length > 0 && length <= SHORT_BYTES) return this.#copy(column.bytes, start, length)
    }
    return producible(bytesAt(column, row))
  }

  #copy(bytes: Uint8Array, start: number, length: number): Uint8Array {
    const shared = (this.#shared[length] ??= new Uint8Array(length))
    for (let i = 0; i < length; i++) shared[i] = bytes[start + i] as number
    return shared
  }
}
