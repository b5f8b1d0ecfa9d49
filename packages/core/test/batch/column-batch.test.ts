import { ColumnBatch, type Headers, NO_HEADERS } from '@millrace/core'
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
      keys: () => (calls.push('keys'), ['a']),
      values: () => (calls.push('values'), [1]),
      timestamps: [5],
      offsets: [7],
    })
    expect([batch.length, batch.timestamp(0), batch.lastOffset]).toEqual([1, 5, 7])
    expect(calls).toEqual([])
    expect([batch.keys, batch.keys, batch.record(0).key]).toEqual([['a'], ['a'], 'a'])
    expect(calls).toEqual(['keys', 'values'])
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
