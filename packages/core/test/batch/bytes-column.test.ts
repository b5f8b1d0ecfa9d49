import { byteLengthAt, bytesAt, columnByteLength, sliceColumn, sliceNumbers } from '@millrace/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bothForms, listOf } from '../support/columns.ts'

const rows = fc.array(fc.option(fc.uint8Array({ maxLength: 5 })), { maxLength: 12 })

describe('columns of bytes', () => {
  it('show the same in both forms: bytes, lengths, sums', () => {
    fc.assert(
      fc.property(rows, (values) => {
        for (const column of bothForms(values)) {
          values.forEach((value, i) => {
            expect(bytesAt(column, i)).toEqual(value)
            expect(byteLengthAt(column, i)).toBe(value?.length ?? 0)
          })
          expect(columnByteLength(column)).toBe(values.reduce((sum, value) => sum + (value?.length ?? 0), 0))
        }
      }),
    )
  })

  it('can be cut anywhere, without copying what they hold', () => {
    fc.assert(
      fc.property(rows, fc.nat(), fc.nat(), (values, a, b) => {
        const [from, to] = [a % (values.length + 1), b % (values.length + 1)].toSorted((x, y) => x - y) as [number, number]
        for (const column of bothForms(values)) {
          const part = sliceColumn(column, from, to)
          expect(part.length).toBe(to - from)
          expect(columnByteLength(column, from, to)).toBe(columnByteLength(part))
          expect(listOf(part)).toEqual(listOf(column).slice(from, to))
          expect(part.form === 'packed' ? part.bytes : undefined).toBe(column.form === 'packed' ? column.bytes : undefined)
        }
      }),
    )
  })

  it('of numbers are cut, too: typed ones are not copied', () => {
    const numbers = [3, 1, 4, 1, 5]
    for (const column of [numbers, Int32Array.from(numbers), Float64Array.from(numbers)]) {
      const part = sliceNumbers(column, 1, 4)
      expect(Array.from(part)).toEqual([1, 4, 1])
      expect(ArrayBuffer.isView(part) ? part.buffer : undefined).toBe(ArrayBuffer.isView(column) ? column.buffer : undefined)
    }
  })
})
