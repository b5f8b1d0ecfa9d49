import { deserializeColumn, type Serde, SerdeError, serdes, serializeColumn } from '@millrace/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bothForms, hex, listOf } from '../support/columns.ts'
import { expectIdentity, expectRoundTrips } from './serde-cases.ts'

describe('serdes.bytes', () => {
  it('gives back every byte string', () => expectRoundTrips(serdes.bytes, fc.uint8Array({ maxLength: 20 })))

  it('reads copies, also from a Node Buffer, so that what is kept does not hold the batch', () => {
    const buffer = Buffer.from([1, 2, 3, 4])
    const read = serdes.bytes.deserialize(buffer, 1, 3)
    buffer.fill(0)
    expect(read).toEqual(Uint8Array.of(2, 3))
    expect(read.buffer.byteLength).toBe(2)
  })

  it('refuses what is no Uint8Array', () => {
    expect(() => serdes.bytes.serialize(null as never)).toThrow(SerdeError)
    expect(() => serdes.bytes.serialize([1, 2] as never)).toThrow('an array is no Uint8Array.')
  })
})

describe('serdes.json', () => {
  it('gives back every JSON value', () => {
    // JSON has one zero.
    expectRoundTrips(
      serdes.json<unknown>(),
      fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown),
    )
  })

  it("writes null as text: only nullable makes it Kafka's null", () => {
    expect(serdes.json<null>().serialize(null)).toEqual(hex('6e756c6c'))
    expect(serdes.nullable(serdes.json()).serialize(null)).toBe(null)
  })

  it('refuses what JSON has no word for', () => {
    const circle: { self?: unknown } = {}
    circle.self = circle
    for (const value of [undefined, () => 1, 1n, circle]) expect(() => serdes.json().serialize(value)).toThrow(SerdeError)
  })

  it('says what is wrong with text that is no JSON, and keeps the cause', () => {
    const { values, failures } = deserializeColumn(serdes.json(), serializeColumn(serdes.string, ['{"a":1}', '{"a":', '[]']))
    expect(values).toEqual([{ a: 1 }, undefined, []])
    expect(failures).toMatchObject([{ index: 1, error: { code: 'DESERIALIZATION_FAILED', serde: 'json' } }])
    expect(failures[0]?.error).toHaveProperty('cause', expect.any(SyntaxError))
  })
})

describe('serdes.void', () => {
  it("is Kafka's null and nothing else", () => {
    expectRoundTrips(serdes.void, fc.constant(undefined))
    expect(() => serdes.void.serialize('x' as never)).toThrow(SerdeError)
    expect(() => serdes.void.deserialize(hex('00'), 0, 1)).toThrow('there are 1 bytes; it takes null only.')
  })
})

describe('serdes.nullable', () => {
  it.each<[string, Serde<unknown>, fc.Arbitrary<unknown>]>([
    ['strings', serdes.string, fc.string({ unit: 'binary' })],
    ['packed numbers', serdes.int32, fc.integer()],
    ['values without a batch method', serdes.bytes, fc.uint8Array({ maxLength: 4 })],
    [
      'values whose batch method makes views',
      { ...serdes.bytes, serializeBatch: (values) => ({ form: 'views', length: values.length, views: values as Uint8Array[] }) },
      fc.uint8Array({ maxLength: 4 }),
    ],
  ] as [string, Serde<unknown>, fc.Arbitrary<unknown>][])('gives back null and %s', (_, serde, values) => {
    expectRoundTrips(serdes.nullable(serde), fc.option(values))
  })

  it('tells null and empty apart', () => {
    const column = serializeColumn(serdes.nullable(serdes.string), [null, '', 'a', null])
    expect(listOf(column)).toEqual([null, [], [0x61], null])
    for (const form of bothForms([null, hex(''), hex('61'), null])) {
      expect(deserializeColumn(serdes.nullable(serdes.string), form).values).toEqual([null, '', 'a', null])
    }
  })

  it('keeps what the serde promises about its values', () => {
    expectIdentity(serdes.nullable(serdes.string), fc.option(fc.string({ maxLength: 1 })))
    expect(serdes.nullable(serdes.json())).toMatchObject({ name: 'nullable(json)', identity: undefined, immutable: undefined })
  })

  it('refuses undefined where the serde does', () => {
    expect(() => serdes.nullable(serdes.string).serialize(undefined as never)).toThrow(SerdeError)
  })
})
