import type { Serde } from '../serde/serde.ts'
import { deserializeColumn } from '../serde/deserialize-column.ts'
import { type BytesColumn, byteLengthAt, type PackedColumn } from './bytes-column.ts'

const NOTHING = new Uint8Array(0)

/** Rows `from` (inclusive) to `to` (exclusive) of a column. */
export interface ColumnPart {
  readonly column: BytesColumn
  /** The first row. */
  readonly from: number
  /** The row behind the last. */
  readonly to: number
}

/** Values that nobody has decoded yet: their bytes, in one or several pieces, of which they are all or some rows. */
export class EncodedRows<T> {
  /** A serde of T; not as its type, which would keep values of a type from standing for those of a wider one. */
  readonly #serde: unknown
  readonly #parts: readonly ColumnPart[]
  /** Of all parts together, ascending; undefined: all of them. */
  readonly #rows: Int32Array | undefined

  constructor(serde: Serde<T>, parts: readonly ColumnPart[], rows?: Int32Array) {
    this.#serde = serde
    this.#parts = parts
    this.#rows = rows
  }

  /** Whether it is `serde` that decodes them. */
  isOf(serde: object): boolean {
    return this.#serde === serde
  }

  /** The values at `rows`, ascending. */
  pick(rows: Int32Array): EncodedRows<T> {
    const mine = this.#rows
    return new EncodedRows(this.#serde as Serde<T>, this.#parts, mine === undefined ? rows : rows.map((row) => mine[row] as number))
  }

  /** Their bytes, copied, and nothing else. */
  compact(): PackedColumn {
    let length = 0
    let bytes = 0
    this.#forEach((column, row) => {
      length++
      bytes += byteLengthAt(column, row)
    })
    const copy = new CompactCopy(length, bytes)
    this.#forEach((column, row) => copy.add(column, row))
    return copy.column()
  }

  #forEach(visit: (column: BytesColumn, row: number) => void): void {
    const mine = this.#rows
    let before = 0
    let next = 0
    for (const { column, from, to } of this.#parts) {
      const count = to - from
      const shift = from - before
      if (mine === undefined) for (let row = from; row < to; row++) visit(column, row)
      else for (; next < mine.length && (mine[next] as number) < before + count; next++) visit(column, (mine[next] as number) + shift)
      before += count
    }
  }

  /** Undefined if there are values that can't be decoded. */
  decode(): readonly T[] | undefined {
    const { values, failures } = deserializeColumn(this.#serde as Serde<T>, this.compact())
    return failures.length === 0 ? values : undefined
  }
}

/** Shorter ones are copied faster byte by byte than by a call. */
const SHORT_BYTES = 40
class CompactCopy {
  readonly #starts: Int32Array
  readonly #ends: Int32Array
  readonly #bytes: Uint8Array
  #row = 0
  #at = 0

  constructor(length: number, bytes: number) {
    this.#starts = new Int32Array(length)
    this.#ends = new Int32Array(length)
    this.#bytes = new Uint8Array(bytes)
  }

  add(column: BytesColumn, row: number): void {
    if (column.form === 'packed') this.#add(column.bytes, column.starts[row] as number, column.ends[row] as number)
    else {
      const view = column.views[row]
      this.#add(view ?? NOTHING, 0, view?.length ?? -1)
    }
  }

  column(): PackedColumn {
    return { form: 'packed', length: this.#row, bytes: this.#bytes, starts: this.#starts, ends: this.#ends }
  }

  #add(from: Uint8Array, start: number, end: number): void {
    const row = this.#row++
    let at = this.#at
    this.#starts[row] = at
    if (end < 0) {
      this.#ends[row] = -1
      return
    }
    const bytes = this.#bytes
    this.#at = this.#ends[row] = at + end - start
    if (end - start > SHORT_BYTES) bytes.set(from.subarray(start, end), at)
    else for (let i = start; i < end; i++) bytes[at++] = from[i] as number
  }
}
