import { deserializeColumn, type Serde, serializeColumn } from '@millrace/core'
import fc from 'fast-check'
import { expect } from 'vitest'
import { bothForms, listOf } from '../support/columns.ts'

/** What every serde promises: values come back, alone and in columns of either form, a column has the bytes of its values, and they are as many as said. */
export function expectRoundTrips<T>(serde: Serde<T>, values: fc.Arbitrary<T>): void {
  fc.assert(
    fc.property(fc.array(values, { maxLength: 20 }), (column) => {
      const single = column.map((value) => serde.serialize(value))
      column.forEach((value, i) => expect(serde.byteLength?.(value) ?? single[i]?.byteLength).toBe(single[i]?.byteLength))
      expect(listOf(serializeColumn(serde, column))).toEqual(single.map((bytes) => (bytes === null ? null : [...bytes])))
      for (const form of [...bothForms(single), serializeColumn(serde, column)]) {
        const { values: read, failures } = deserializeColumn(serde, form)
        expect(failures).toEqual([])
        expect(read.length).toBe(column.length)
        column.forEach((value, i) => expect(read[i]).toEqual(value))
      }
    }),
  )
}

/** Where a serde says that its values can stand for their bytes: two are `===` exactly when their bytes are equal. */
export function expectIdentity<T>(serde: Serde<T>, values: fc.Arbitrary<T>): void {
  expect(serde.identity).toBe(true)
  fc.assert(
    fc.property(values, values, (a, b) => {
      const bytesA = String(serde.serialize(a))
      expect(String(serde.serialize(b)) === bytesA).toBe(a === b)
    }),
  )
}
