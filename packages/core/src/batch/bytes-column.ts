/**
 * A column of byte strings, each possibly null. Two forms, so that a client that hands over packed batches costs no copy and one that
 * hands over a buffer per record costs none either. Read it through {@link bytesAt} or, in hot loops, by its `form`.
 */
export type BytesColumn = PackedColumn | ViewColumn

/** One buffer for all; value `i` spans `starts[i]` (inclusive) to `ends[i]` (exclusive). `ends[i] < 0` is null. */
export interface PackedColumn {
  readonly form: 'packed'
  readonly length: number
  readonly bytes: Uint8Array
  readonly starts: ArrayLike<number>
  readonly ends: ArrayLike<number>
}

/** One view per value. */
export interface ViewColumn {
  readonly form: 'views'
  readonly length: number
  readonly views: readonly (Uint8Array | null)[]
}

/** A column of views over `views` itself (not copied). */
export function viewColumn(views: readonly (Uint8Array | null)[]): ViewColumn {
  return { form: 'views', length: views.length, views }
}

/** The bytes at `i`: a view, never a copy. */
export function bytesAt(column: BytesColumn, i: number): Uint8Array | null {
  if (column.form === 'views') return column.views[i] ?? null
  const end = column.ends[i] as number
  return end < 0 ? null : column.bytes.subarray(column.starts[i], end)
}

/** The length in bytes at `i`; null counts 0. */
export function byteLengthAt(column: BytesColumn, i: number): number {
  if (column.form === 'views') return column.views[i]?.byteLength ?? 0
  const end = column.ends[i] as number
  return end < 0 ? 0 : end - (column.starts[i] as number)
}

/** The length in bytes of all values from `from` (inclusive) to `to` (exclusive). */
export function columnByteLength(column: BytesColumn, from = 0, to = column.length): number {
  let total = 0
  if (column.form === 'views') {
    for (let i = from; i < to; i++) total += column.views[i]?.byteLength ?? 0
    return total
  }
  const { starts, ends } = column
  for (let i = from; i < to; i++) {
    const end = ends[i] as number
    if (end >= 0) total += end - (starts[i] as number)
  }
  return total
}

/** The rows from `from` (inclusive) to `to` (exclusive), sharing the same bytes. */
export function sliceColumn(column: BytesColumn, from: number, to: number): BytesColumn {
  if (column.form === 'views') return viewColumn(column.views.slice(from, to))
  return {
    form: 'packed',
    length: to - from,
    bytes: column.bytes,
    starts: sliceNumbers(column.starts, from, to),
    ends: sliceNumbers(column.ends, from, to),
  }
}

/** The numbers from `from` (inclusive) to `to` (exclusive) of a column, such as timestamps: a view where there can be one. */
export function sliceNumbers(numbers: ArrayLike<number>, from: number, to: number): ArrayLike<number> {
  if (numbers instanceof Int32Array || numbers instanceof Float64Array) return numbers.subarray(from, to)
  return Array.prototype.slice.call(numbers, from, to) as number[]
}
