import { ColumnBatch, EncodedRows, type Headers, LazyColumn, NO_HEADERS, serdes, viewColumn } from '@millrace/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyBatch, batchOf } from '../support/batches.ts'

describe('ColumnBatch', () => {
  it('shows the same records as columns, one by one, and by iteration', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const records = [...batch]
        expect(records).toHaveLength(batch.length)
        records.forEach((record, i) => {
          expect(batch.record(i)).toEqual(record)
          expect(record).toEqual({
            key: batch.keys[i],
            value: batch.values[i],
            timestamp: batch.timestamp(i),
            headers: batch.headers(i),
            topic: 'in',
            partition: 0,
            offset: batch.offset(i),
          })
        })
        expect([batch.firstOffset, batch.lastOffset]).toEqual([100, 99 + batch.length])
      }),
    )
  })

  it('decodes columns once, on first use, and not at all when nobody looks', () => {
    const calls: string[] = []
    const batch = new ColumnBatch({
      topic: 't',
      partition: 1,
      trigger: 'age',
      keys: new LazyColumn(() => (calls.push('keys'), ['a']), nothing),
      values: new LazyColumn(() => (calls.push('values'), [1]), nothing),
      timestamps: [5],
      offsets: [7],
    })
    expect([batch.length, batch.timestamp(0), batch.lastOffset]).toEqual([1, 5, 7])
    expect(calls).toEqual([])
    expect([batch.keys, batch.keys, batch.record(0).key]).toEqual([['a'], ['a'], 'a'])
    expect(calls).toEqual(['keys', 'values'])
  })

  it('selects rows of every column, and passes on bytes that nobody has looked at', () => {
    fc.assert(
      fc.property(anyBatch, fc.infiniteStream(fc.boolean()), (batch, choice) => {
        const rows = Int32Array.from(Array.from({ length: batch.length }, (_, i) => i).filter(() => choice.next().value === true))
        const lazy = new ColumnBatch({
          topic: 'in',
          partition: 0,
          trigger: 'records',
          keys: encoded(batch.keys),
          values: batch.values,
          timestamps: Array.from(batch, ({ timestamp }) => timestamp),
          offsets: Array.from(batch, ({ offset }) => offset as number),
          headers: Array.from(batch, ({ headers }) => headers),
        })
        const some = lazy.select({ rows })
        const expected = [...batch].filter((_, i) => rows.includes(i))
        expect(some.encodedKeys?.decode()).toEqual(expected.map(({ key }) => key))
        expect([...some]).toEqual(expected)
        expect(expected.map((_, i) => some.streamTime(i))).toEqual([...rows].map((row) => batch.streamTime(row)))
        // Who holds the values may change them.
        expect([lazy.encodedKeys !== undefined, some.encodedKeys, some.encodedValues]).toEqual([
          true,
          rows.length > 0 ? undefined : some.encodedKeys,
          undefined,
        ])
        expect([...lazy.select({ values: [...batch.values] })]).toEqual([...batch])
      }),
    )
  })

  it('takes stream time as the highest timestamp so far, unless it is given', () => {
    const batch = batchOf([5, 3, 9, 1].map((timestamp) => ({ key: 'k', value: 0, timestamp })))
    expect(Array.from({ length: 4 }, (_, i) => batch.streamTime(i))).toEqual([5, 5, 9, 9])
    const given = new ColumnBatch({
      topic: 't',
      partition: 0,
      trigger: 'records',
      keys: ['k'],
      values: [0],
      timestamps: [5],
      offsets: [0],
      streamTimes: [50],
    })
    expect(given.streamTime(0)).toBe(50)
  })

  it('has no headers where none were given', () => {
    const headers: Headers = [{ key: 'h', value: null }]
    const batch = batchOf([
      { key: 'a', value: 0 },
      { key: 'b', value: 0, headers },
    ])
    expect(batch.headers(0)).toBe(NO_HEADERS)
    expect(batch.headers(1)).toBe(headers)
  })
})

function nothing(): never {
  throw new Error('Nobody was to ask for bytes.')
}

/** As they are read: not decoded. */
function encoded(texts: readonly string[]): LazyColumn<string> {
  const column = viewColumn(texts.map((text) => serdes.string.serialize(text)))
  const rows = () => new EncodedRows(serdes.string, [{ column, from: 0, to: texts.length }])
  return new LazyColumn(() => rows().decode() ?? [], rows)
}
