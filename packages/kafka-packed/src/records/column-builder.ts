import type { Headers, PackedColumn } from '@millrace/core'
import type { RecordColumns } from './record-columns.ts'

/** Columns that are being filled, of a known number of records at most. */
export class ColumnBuilder {
  readonly bytes: Uint8Array
  readonly keyStarts: Int32Array
  readonly keyEnds: Int32Array
  readonly valueStarts: Int32Array
  readonly valueEnds: Int32Array
  readonly offsets: Float64Array
  readonly timestamps: Float64Array
  length = 0
  #headers: (Headers | undefined)[] | undefined

  constructor(bytes: Uint8Array, most: number) {
    this.bytes = bytes
    this.keyStarts = new Int32Array(most)
    this.keyEnds = new Int32Array(most)
    this.valueStarts = new Int32Array(most)
    this.valueEnds = new Int32Array(most)
    this.offsets = new Float64Array(most)
    this.timestamps = new Float64Array(most)
  }

  /** Of the record at `row`; those of most records are none. */
  setHeaders(row: number, headers: Headers): void {
    this.#headers ??= []
    this.#headers[row] = headers
  }

  /** Drops what is behind the first `length` records. */
  truncate(length: number): void {
    this.length = length
    if (this.#headers !== undefined) this.#headers.length = Math.min(this.#headers.length, length)
  }

  finish(): RecordColumns {
    const { length } = this
    return {
      length,
      keys: this.#column(this.keyStarts, this.keyEnds),
      values: this.#column(this.valueStarts, this.valueEnds),
      offsets: this.offsets.subarray(0, length),
      timestamps: this.timestamps.subarray(0, length),
      headers: this.#headers === undefined ? undefined : Array.from({ length }, (_, row) => this.#headers?.[row]),
    }
  }

  #column(starts: Int32Array, ends: Int32Array): PackedColumn {
    const { length } = this
    return { form: 'packed', length, bytes: this.bytes, starts: starts.subarray(0, length), ends: ends.subarray(0, length) }
  }
}
