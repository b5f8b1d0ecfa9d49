import { deadLetterHeaders, type DeadLetterHeaderStyle, type Header, type Headers } from '@millrace/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { asText, failedRecord } from './failed-record.ts'

const styles: DeadLetterHeaderStyle[] = ['spring', 'connect', 'streams']
const make = (changes: Parameters<typeof failedRecord>[0], headerStyle: DeadLetterHeaderStyle = 'streams', maxStackBytes = 4_096) =>
  deadLetterHeaders(failedRecord(changes), 'word-count', { headerStyle, maxStackBytes })
const valueOf = (headers: Headers, name: string) => headers.find(({ key }) => key === name)?.value
const textOf = (headers: Headers, name: string) => new Map(asText(headers)).get(name)

class TooLong extends Error {}

function tooLong(): Error {
  const error = new TooLong('300 words', { cause: new RangeError('at most 200') })
  error.stack = 'TooLong: 300 words\n    at split (split.ts:1:1)'
  ;(error.cause as Error).stack = 'RangeError: at most 200\n    at count (count.ts:1:1)'
  return error
}

const STACK = 'TooLong: 300 words\n    at split (split.ts:1:1)\nCaused by: RangeError: at most 200\n    at count (count.ts:1:1)'
const OURS = [
  ['millrace.stage', 'process'],
  ['millrace.node', 'split'],
  ['millrace.attempts', '4'],
  ['millrace.batch.size', '100'],
  ['millrace.batch.index', '17'],
]

describe('deadLetterHeaders', () => {
  it('of Kafka Streams are text', () => {
    expect(asText(make({ error: tooLong() }, 'streams'))).toEqual([
      ['__streams.errors.topic', 'lines'],
      ['__streams.errors.partition', '3'],
      ['__streams.errors.offset', '1099511627781'],
      ['__streams.errors.exception', 'TooLong: 300 words'],
      ['__streams.errors.message', '300 words'],
      ['__streams.errors.stacktrace', STACK],
      ...OURS,
    ])
  })

  it('of Kafka Connect are text, with its names of stages', () => {
    expect(asText(make({ error: tooLong() }, 'connect'))).toEqual([
      ['__connect.errors.topic', 'lines'],
      ['__connect.errors.partition', '3'],
      ['__connect.errors.offset', '1099511627781'],
      ['__connect.errors.connector.name', 'word-count'],
      ['__connect.errors.task.id', '3'],
      ['__connect.errors.stage', 'TRANSFORMATION'],
      ['__connect.errors.class.name', 'split'],
      ['__connect.errors.exception.class.name', 'TooLong'],
      ['__connect.errors.exception.message', '300 words'],
      ['__connect.errors.exception.stacktrace', STACK],
      ...OURS,
    ])
    const stage = (changes: Parameters<typeof failedRecord>[0]) => textOf(make(changes, 'connect'), '__connect.errors.stage')
    expect(stage({ stage: 'decode', part: 'key' })).toBe('KEY_CONVERTER')
    expect(stage({ stage: 'decode', part: 'value' })).toBe('VALUE_CONVERTER')
    expect(stage({ stage: 'produce' })).toBe('TASK_PUT')
  })

  it('of Spring have binary numbers', () => {
    const headers = make({ error: tooLong() }, 'spring')
    expect(headers.slice(1, 4)).toEqual([
      { key: 'kafka_dlt-original-partition', value: Uint8Array.of(0, 0, 0, 3) },
      { key: 'kafka_dlt-original-offset', value: Uint8Array.of(0, 0, 1, 0, 0, 0, 0, 5) },
      { key: 'kafka_dlt-original-timestamp', value: Uint8Array.of(0, 0, 1, 0x8b, 0xcf, 0xe5, 0x68, 0x7b) },
    ])
    expect(asText([headers[0]!, ...headers.slice(4)])).toEqual([
      ['kafka_dlt-original-topic', 'lines'],
      ['kafka_dlt-original-timestamp-type', 'CreateTime'],
      ['kafka_dlt-original-consumer-group', 'word-count'],
      ['kafka_dlt-exception-fqcn', 'TooLong'],
      ['kafka_dlt-exception-cause-fqcn', 'RangeError'],
      ['kafka_dlt-exception-message', '300 words'],
      ['kafka_dlt-exception-stacktrace', STACK],
      ...OURS,
    ])
    expect(valueOf(make({ timestamp: -1 }, 'spring'), 'kafka_dlt-original-timestamp')).toEqual(new Uint8Array(8).fill(255))
  })

  it('of Spring tell of keys by other names', () => {
    const headers = make({ stage: 'decode', part: 'key', error: new TypeError('no text') }, 'spring', 0)
    expect(asText(headers.slice(6, 8))).toEqual([
      ['kafka_dlt-key-exception-fqcn', 'TypeError'],
      ['kafka_dlt-key-exception-message', 'no text'],
    ])
    expect(headers.filter(({ key }) => key.startsWith('kafka_dlt-exception'))).toEqual([])
  })

  it('come after those of the record, which stay as they are', () => {
    const original: Header[] = [
      { key: 'trace', value: Uint8Array.of(0xff, 0xfe) },
      { key: 'empty', value: new Uint8Array() },
      { key: 'none', value: null },
      { key: 'trace', value: Uint8Array.of(1) },
      { key: '__streams.errors.description', value: Uint8Array.of(2) },
    ]
    for (const style of styles) {
      const headers = make({ headers: original }, style)
      expect(headers.slice(0, 5)).toEqual(original)
      headers.slice(0, 5).forEach((header, i) => expect(header.value).toBe(original[i]!.value))
    }
  })

  it.each(styles)('of a dead letter that fails again keep its origin and replace the rest: it never grows (%s)', (style) => {
    const first = make({ headers: [{ key: 'trace', value: Uint8Array.of(7) }] }, style)
    const again = new Error('other ones')
    const hop = (headers: Headers) =>
      make({ headers, topic: 'letters', partition: 0, offset: 9, timestamp: 1, attempts: 1, node: 'again', error: again }, style)
    const second = hop(first)
    const origin = (headers: Headers) => headers.filter(({ key }) => /original-|errors\.(topic|partition|offset)$/.test(key))
    expect(second.map(({ key }) => key)).toEqual(first.map(({ key }) => key))
    expect(origin(second)).toEqual(origin(first))
    expect(textOf(second.slice(-5), 'millrace.node')).toBe('again')
    expect(second.filter(({ key }) => key.endsWith('message')).map((header) => asText([header])[0]![1])).toEqual(['other ones'])
    expect(hop(second)).toEqual(second)
    // Others append: the first of each name is the origin, and only that stays.
    expect(hop([...second, ...second, ...second]).filter(({ key }) => key !== 'trace')).toEqual(second.filter(({ key }) => key !== 'trace'))
  })

  it('leave out a stack trace of no bytes', () => {
    for (const style of styles) expect(make({}, style, 0).filter(({ key }) => /stacktrace/.test(key))).toEqual([])
  })

  it('are bounded, and no character is cut', () => {
    const texts = fc.string({ unit: 'grapheme', minLength: 0, maxLength: 3_000 })
    fc.assert(
      fc.property(texts, texts, fc.integer({ min: 1, max: 5_000 }), fc.constantFrom(...styles), (message, stack, maxStackBytes, style) => {
        const error = new Error(message)
        error.stack = stack
        const headers = make({ error, node: message }, style, maxStackBytes)
        // Throws where bytes are no text.
        asText(headers.filter(({ key }) => !/partition|offset|timestamp$/.test(key)))
        for (const { key, value } of headers) {
          expect(value!.length).toBeLessThanOrEqual(/stacktrace/.test(key) ? maxStackBytes : 1_024)
        }
        const cut = textOf(make({ error }, 'streams', maxStackBytes), '__streams.errors.stacktrace')!
        // Nothing is cut that would have had room.
        expect((stack || `Error: ${message}`).startsWith(cut)).toBe(true)
        const [room, length] = [maxStackBytes - 4, (text: string) => new TextEncoder().encode(text).length]
        expect(length(cut)).toBeGreaterThan(Math.min(length(stack) - 1, room))
      }),
      { numRuns: 200 },
    )
  })

  it('name what is no error, too, and never throw', () => {
    const circle = new Error('round')
    circle.cause = circle
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error('no')
        },
        getOwnPropertyDescriptor: () => {
          throw new Error('no')
        },
        getPrototypeOf: () => {
          throw new Error('no')
        },
      },
    )
    const revoked = Proxy.revocable({}, {})
    revoked.revoke()
    const getter = Object.defineProperty(new Error('x'), 'message', {
      get() {
        throw new Error('no')
      },
    })
    const told = (error: unknown) => {
      for (const style of styles) make({ error }, style)
      const headers = make({ error }, 'connect')
      return [textOf(headers, '__connect.errors.exception.class.name'), textOf(headers, '__connect.errors.exception.message')]
    }
    expect(told('boom')).toEqual(['string', 'boom'])
    expect(told(null)).toEqual(['null', 'null'])
    expect(told(undefined)).toEqual(['undefined', 'undefined'])
    expect(told(Symbol('s'))).toEqual(['symbol', 'Symbol(s)'])
    expect(told(5n)).toEqual(['bigint', '5'])
    expect(told({ message: 'like an error' })).toEqual(['Object', 'like an error'])
    expect(told(Object.create(null))).toEqual(['Object', 'a value that is no text'])
    expect(told(hostile)).toEqual(['Object', 'a value that is no text'])
    expect(told(revoked.proxy)).toEqual(['Object', 'a value that is no text'])
    expect(told(circle)).toEqual(['Error', 'round'])
    expect(told(getter)[0]).toBe('Error')
    expect(told(new Error('half a pair \ud83d'))).toEqual(['Error', 'half a pair \ufffd'])
    fc.assert(fc.property(fc.anything({ withNullPrototype: true, withSparseArray: true }), (error) => void told(error)))
  })

  it('name a class as it names itself, else as its constructor is named', () => {
    class Named extends TypeError {
      override readonly name = 'NamedOtherwise'
    }
    const nameOf = (error: unknown) => textOf(make({ error }, 'connect'), '__connect.errors.exception.class.name')
    expect(nameOf(new Named('x'))).toBe('NamedOtherwise')
    expect(nameOf(new TooLong('x'))).toBe('TooLong')
    expect(nameOf(new TypeError('x'))).toBe('TypeError')
    expect(nameOf(new DOMException('x', 'AbortError'))).toBe('AbortError')
    expect(nameOf(new (class extends Error {})('x'))).toBe('Error')
  })
})
