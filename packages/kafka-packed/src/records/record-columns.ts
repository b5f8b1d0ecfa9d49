import { type Headers, type PackedColumn, sliceColumn } from '@millrace/core'

/** Records of one partition in offset order, as places in the bytes that they arrived in. */
export interface RecordColumns {
  readonly length: number
  readonly keys: PackedColumn
  readonly values: PackedColumn
  readonly offsets: Float64Array
  /** Milliseconds since the epoch; -1 where the producer gave none. */
  readonly timestamps: Float64Array
  /** Absent when no record has headers. */
  readonly headers?: readonly (Headers | undefined)[] | undefined
}

/** Rows from `from` (inclusive) to `to` (exclusive), over the same bytes. */
export function sliceRecords(columns: RecordColumns, from: number, to: number): RecordColumns {
  if (from === 0 && to === columns.length) return columns
  return {
    length: to - from,
    keys: sliceColumn(columns.keys, from, to) as PackedColumn,
    values: sliceColumn(columns.values, from, to) as PackedColumn,
    offsets: columns.offsets.subarray(from, to),
    timestamps: columns.timestamps.subarray(from, to),
    headers: columns.headers?.slice(from, to),
  }
}
