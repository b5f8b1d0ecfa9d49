import type { EncodedRows } from './encoded-rows.ts'

/** A column that is decoded when somebody asks for its values: until then it can pass on as bytes. */
export class LazyColumn<T> {
  readonly #decode: () => readonly T[]
  readonly #encoded: () => EncodedRows<T>
  #values: readonly T[] | undefined

  /** `decode` is called once, on first use, and `encoded` only before that. */
  constructor(decode: () => readonly T[], encoded: () => EncodedRows<T>) {
    this.#decode = decode
    this.#encoded = encoded
  }

  get isDecoded(): boolean {
    return this.#values !== undefined
  }

  /** Decoded by now. */
  get values(): readonly T[] {
    return (this.#values ??= this.#decode())
  }

  /** The bytes of it; undefined once it is decoded, since who holds its values may have changed them. */
  get encoded(): EncodedRows<T> | undefined {
    return this.#values === undefined ? this.#encoded() : undefined
  }

  /** The values at `rows`, ascending, which are no more decoded than these. */
  pick(rows: Int32Array): readonly T[] | LazyColumn<T> {
    const values = this.#values
    if (values !== undefined) return pickValues(values, rows)
    return new LazyColumn(
      // Of what can't be decoded, who decodes all of them says which record it is.
      () => (this.#values === undefined ? this.#encoded().pick(rows).decode() : undefined) ?? pickValues(this.values, rows),
      () => this.#encoded().pick(rows),
    )
  }
}

/** The values at `rows`. */
export function pickValues<T>(values: readonly T[], rows: Int32Array): T[] {
  const picked = new Array<T>(rows.length)
  for (let i = 0; i < rows.length; i++) picked[i] = values[rows[i] as number] as T
  return picked
}
