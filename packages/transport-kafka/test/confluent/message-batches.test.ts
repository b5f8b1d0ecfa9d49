import { type BytesColumn, bytesAt } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { messageBatches } from '../../src/confluent/message-batches.ts'
import type { RawMessage } from '../../src/confluent/raw-api.ts'

function message(partition: number, offset: number, more: Partial<RawMessage> = {}): RawMessage {
  return { topic: 't', partition, offset, timestamp: offset * 10, key: null, value: Buffer.from(`${partition}:${offset}`), ...more }
}

describe('messages become batches', () => {
  test('one a partition, in order, however their runs are mixed', () => {
    const messages = [message(0, 0), message(0, 1), message(1, 5), message(0, 7), message(0, 8, { topic: 'u' })]
    const batches = messageBatches(messages, (topic, partition) => (topic === 't' ? 100 + partition : undefined))
    expect(
      batches.map(({ topic, partition, length, offsets, timestamps, endOffset }) => [
        topic,
        partition,
        length,
        offsets,
        timestamps,
        endOffset,
      ]),
    ).toEqual([
      ['t', 0, 3, Float64Array.of(0, 1, 7), Float64Array.of(0, 10, 70), 100],
      ['t', 1, 1, Float64Array.of(5), Float64Array.of(50), 101],
      ['u', 0, 1, Float64Array.of(8), Float64Array.of(80), undefined],
    ])
  })

  test('with copies of keys and values in one buffer each, null apart from empty', () => {
    const value = Buffer.from('first')
    const messages = [
      message(0, 0, { value }),
      message(0, 1, { key: Buffer.alloc(0), value: null }),
      message(0, 2, { key: Buffer.from('k') }),
    ]
    const [batch] = messageBatches(messages, () => undefined)
    // What the library made is garbage from now on.
    value.fill(0)
    const text = (column: BytesColumn) => [0, 1, 2].map((i) => bytesAt(column, i)?.toString() ?? null)
    expect(text(batch!.values)).toEqual(['first', null, '0:2'])
    expect(text(batch!.keys)).toEqual([null, '', 'k'])
    expect(bytesAt(batch!.values, 0)?.buffer).toBe(bytesAt(batch!.values, 2)?.buffer)
  })

  test('with headers only where there are some', () => {
    const headers = [{ a: Buffer.from('1') }, { a: Buffer.from('2') }]
    const [plain] = messageBatches([message(0, 0), message(0, 1, { headers: [] })], () => undefined)
    expect(plain!.headers).toBeUndefined()
    const [batch] = messageBatches([message(0, 0), message(0, 1, { headers }), message(0, 2)], () => undefined)
    expect(batch!.headers?.[0]).toBeUndefined()
    expect(batch!.headers?.[1]).toEqual([
      { key: 'a', value: Buffer.from('1') },
      { key: 'a', value: Buffer.from('2') },
    ])
  })

  test('with a header whose name is that of the prototype, which the library sets', () => {
    const value = Buffer.from('1')
    const [batch] = messageBatches([message(0, 0, { headers: [Object.create(value), { b: value }] })], () => undefined)
    expect(batch!.headers?.[0]).toEqual([
      { key: '__proto__', value },
      { key: 'b', value },
    ])
  })
})
