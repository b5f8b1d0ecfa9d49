import { ColumnBatch, type Headers } from '@millrace/core'
import fc from 'fast-check'

export interface Row<K, V> {
  readonly key: K
  readonly value: V
  readonly timestamp?: number
  readonly headers?: Headers
}

/** A batch of these records, with offsets from 100. */
export function batchOf<K, V>(rows: readonly Row<K, V>[]): ColumnBatch<K, V> {
  return new ColumnBatch({
    topic: 'in',
    partition: 0,
    trigger: 'records',
    keys: rows.map(({ key }) => key),
    values: rows.map(({ value }) => value),
    timestamps: rows.map(({ timestamp }, i) => timestamp ?? 1_000 + i),
    offsets: rows.map((_, i) => 100 + i),
    headers: rows.map(({ headers }) => headers),
  })
}

/** Batches of words with numbers; some records have headers, timestamps jump about. */
export const anyBatch: fc.Arbitrary<ColumnBatch<string, number>> = fc
  .array(
    fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      value: fc.integer({ min: 0, max: 9 }),
      timestamp: fc.integer({ min: 0, max: 99 }),
      headers: fc.constantFrom<Headers>([], [{ key: 'trace', value: Uint8Array.of(1) }]),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map(batchOf)
