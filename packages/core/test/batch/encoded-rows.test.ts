import { bytesAt, type BytesColumn, EncodedRows, LazyColumn, serdes, serializeColumn, viewColumn } from '@millrace/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const text = serdes.nullable(serdes.string)
const value = fc.option(fc.oneof(fc.string({ maxLength: 6 }), fc.string({ unit: 'binary', minLength: 41, maxLength: 60 })))

/** A column, and the rows of it that count, in either form. */
const part = fc
  .record({ values: fc.array(value, { maxLength: 8 }), asViews: fc.boolean(), from: fc.nat(8), count: fc.nat(8) })
  .map(({ values, asViews, from, count }) => {
    const packed = serializeColumn(text, values)
    const column: BytesColumn = asViews ? viewColumn(values.map((_, i) => bytesAt(packed, i))) : packed
    const begin = Math.min(from, values.length)
    const end = Math.min(begin + count, values.length)
    return { values: values.slice(begin, end), piece: { column, from: begin, to: end } }
  })

describe('EncodedRows', () => {
  it('are the same bytes and values, whatever they are in and whichever are picked', () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 4 }), fc.infiniteStream(fc.boolean()), (parts, choice) => {
        const all = parts.flatMap(({ values }) => values)
        const pieces = parts.map(({ piece }) => piece)
        const picks = (count: number) => Array.from({ length: count }, (_, i) => i).filter(() => choice.next().value === true)
        const first = picks(all.length)
        const second = picks(first.length)
        const whole = new EncodedRows(text, pieces)
        const some = whole.pick(Int32Array.from(first))
        expect(whole.decode()).toEqual(all)
        expect(some.decode()).toEqual(first.map((i) => all[i]))
        const fewer = some.pick(Int32Array.from(second))
        const expected = second.map((i) => all[first[i] as number] ?? null)
        expect(fewer.decode()).toEqual(expected)
        const column = fewer.compact()
        expect(column.length).toBe(expected.length)
        expect(expected.map((_, i) => bytesAt(column, i) && Buffer.from(bytesAt(column, i) as Uint8Array).toString())).toEqual(expected)
        expect(column.bytes.length).toBe(Buffer.byteLength(expected.join('')))
      }),
    )
  })

  it('are decoded by one serde, and no other', () => {
    const rows = new EncodedRows(text, []).pick(new Int32Array(0))
    expect([rows.isOf(text), rows.isOf(serdes.string)]).toEqual([true, false])
  })
})

describe('what was picked of a column', () => {
  const failed = (): never => {
    throw new Error('bad')
  }
  const wrong = { ...serdes.string, deserializeBatch: undefined, deserialize: failed }
  const rows = () => new EncodedRows(wrong, [{ column: viewColumn([new Uint8Array(1)]), from: 0, to: 1 }])

  it("says of what can't be decoded what the whole column says", () => {
    const named = new LazyColumn<string>(() => {
      throw new Error('record 7 is bad')
    }, rows)
    const picked = named.pick(Int32Array.of(0)) as LazyColumn<string>
    expect(() => picked.values).toThrow('record 7 is bad')
  })

  it('is taken of values where there are any by then', () => {
    const column = new LazyColumn<string>(() => ['a', 'b'], rows)
    const picked = column.pick(Int32Array.of(1)) as LazyColumn<string>
    expect(column.values).toEqual(['a', 'b'])
    expect(picked.values).toEqual(['b'])
    expect(column.pick(Int32Array.of(0))).toEqual(['a'])
  })
})
