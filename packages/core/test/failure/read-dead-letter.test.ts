import { deadLetterHeaders, type DeadLetterHeaderStyle, type FailedRecord, readDeadLetter, withoutDeadLetterHeaders } from '@millrace/core'
import { describe, expect, test } from 'vitest'

const own = { key: 'trace', value: new Uint8Array([1, 2]) }

const failure: FailedRecord = {
  stage: 'process',
  node: 'enrich',
  topic: 'orders',
  partition: 3,
  offset: 5_000_000_017,
  timestamp: 1_700_000_000_000,
  key: null,
  value: null,
  headers: [own],
  error: new RangeError('no such customer: 7'),
  attempts: 4,
  batchSize: 10,
  index: 2,
}

describe.each<DeadLetterHeaderStyle>(['streams', 'spring', 'connect'])('of the style %s', (headerStyle) => {
  test('what the headers of a dead letter say is read', () => {
    expect(readDeadLetter(deadLetterHeaders(failure, 'app', { headerStyle, maxStackBytes: 1_000 }))).toEqual({
      style: headerStyle,
      topic: 'orders',
      partition: 3,
      offset: 5_000_000_017,
      stage: 'process',
      node: 'enrich',
      attempts: 4,
      errorClass: 'RangeError',
      message: 'no such customer: 7',
      stack: expect.stringContaining('RangeError: no such customer: 7') as unknown,
    })
  })

  test("of a key that could not be decoded, too, and a second failure's reason with the first origin", () => {
    const decode: FailedRecord = { ...failure, stage: 'decode', part: 'key', error: new Error('first') }
    const first = deadLetterHeaders(decode, 'app', { headerStyle, maxStackBytes: 0 })
    expect(readDeadLetter(first)).toMatchObject({ stage: 'decode', message: 'first', errorClass: 'Error', stack: undefined })

    const again = { ...failure, topic: 'dead', partition: 0, offset: 1, headers: first, error: new TypeError('second') }
    expect(readDeadLetter(deadLetterHeaders(again, 'app', { headerStyle, maxStackBytes: 0 }))).toMatchObject({
      ...{ topic: 'orders', partition: 3, offset: 5_000_000_017 },
      ...{ message: 'second', errorClass: 'TypeError' },
    })
  })

  test('without them, the record has the headers that it had', () => {
    expect(withoutDeadLetterHeaders(deadLetterHeaders(failure, 'app', { headerStyle, maxStackBytes: 1_000 }))).toEqual([own])
  })
})

test('what is no dead letter is not read as one, and numbers that are none are left out', () => {
  const text = (value: string) => new TextEncoder().encode(value)
  expect(readDeadLetter([own])).toBeUndefined()
  expect(
    readDeadLetter([
      { key: '__streams.errors.topic', value: text('orders') },
      { key: '__streams.errors.partition', value: text('three') },
      { key: '__streams.errors.offset', value: null },
      { key: 'millrace.stage', value: text('elsewhere') },
    ]),
  ).toMatchObject({ topic: 'orders', partition: undefined, offset: undefined, stage: undefined })
})
