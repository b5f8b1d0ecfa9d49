import { serdes } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { inputRecord, type InputTopic } from '../../src/dev/input-line.ts'

const inputOf = (
  topic: string,
  value: InputTopic['source']['value'],
  key = serdes.nullable(serdes.string) as InputTopic['source']['key'],
) => ({
  topic,
  source: { key, value },
})
const text = (bytes: Uint8Array | null) => bytes && new TextDecoder().decode(bytes)

describe('a line becomes a record', () => {
  test.each([
    ['to be', serdes.string, 'to be'],
    ['{"id":7}', serdes.string, '{"id":7}'],
    ['{"id":7}', serdes.json(), '{"id":7}'],
    ['7', serdes.json(), '7'],
    ['seven', serdes.json(), '"seven"'],
    ['{"value":"to be"}', serdes.string, 'to be'],
    ['{"value":{"id":7}}', serdes.json(), '{"id":7}'],
    ['{"value":{"id":7}}', serdes.string, '{"id":7}'],
    ['{"value":null}', serdes.nullable(serdes.string), null],
    ['bytes', serdes.bytes, 'bytes'],
  ])('%j with %o', (line, serde, expected) => {
    expect(text(inputRecord(line, [inputOf('one', serde as never)]).value)).toBe(expected)
  })

  test('numbers are what the serde takes', () => {
    const eight = [0, 0, 0, 0, 0, 0, 0, 7]
    expect([...(inputRecord('7', [inputOf('one', serdes.int64 as never)]).value ?? [])]).toEqual(eight)
    expect([...(inputRecord('{"value":7}', [inputOf('one', serdes.safeInt64 as never)]).value ?? [])]).toEqual(eight)
    expect([...(inputRecord('{"value":7}', [inputOf('one', serdes.int32 as never)]).value ?? [])]).toEqual([0, 0, 0, 7])
  })

  test('with a key, a time and one of several topics', () => {
    const inputs = [inputOf('one', serdes.string as never), inputOf('two', serdes.string as never)]
    const record = inputRecord('{"topic":"two","key":"k","value":"v","timestamp":5}', inputs)

    expect({ ...record, key: text(record.key), value: text(record.value) }).toEqual({ topic: 'two', key: 'k', value: 'v', timestamp: 5 })
    expect(() => inputRecord('v', inputs)).toThrow("Name the topic of 'v': one of 'one', 'two'.")
    expect(() => inputRecord('{"topic":"three","value":"v"}', inputs)).toThrow("'three' is no input: there is 'one', 'two'.")
    expect(() => inputRecord('{"value":"seven"}', [inputOf('one', serdes.int32 as never)])).toThrow('"seven" can\'t be written with int32')
  })
})
