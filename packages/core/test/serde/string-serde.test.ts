import { deserializeColumn, SerdeError, serdes, serializeColumn } from '@millrace/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bothForms, hex, listOf } from '../support/columns.ts'
import { expectIdentity, expectRoundTrips } from './serde-cases.ts'

const { string } = serdes
const text = fc.string({ unit: 'binary', maxLength: 60 })

describe('serdes.string', () => {
  it('gives back every well-formed string, alone and in columns', () => {
    expectRoundTrips(string, text)
    expectRoundTrips(string, fc.string({ unit: 'grapheme-ascii', maxLength: 60 }))
  })

  it('keeps strings apart exactly as their bytes do', () => expectIdentity(string, fc.string({ unit: 'binary', maxLength: 2 })))

  it("writes the bytes of Java's StringSerializer", () => {
    expect(string.serialize('Kafka')).toEqual(hex('4b61666b61'))
    expect(string.serialize('zażółć 漢 😀')).toEqual(hex('7a61c5bcc3b3c582c487 20 e6bca2 20 f09f9880'))
    expect(string.serialize('')).toEqual(new Uint8Array())
  })

  it('keeps a byte order mark and NUL', () => {
    const marked = '\uFEFFa\0b'
    expect(string.deserialize(string.serialize(marked) as Uint8Array, 0, 6)).toBe(marked)
  })

  it.each([
    ['a byte that begins nothing', 'ff', '\uFFFD'],
    ['a sequence that ends too early', '61e6bc', 'a\uFFFD'],
    ['half a surrogate pair', 'eda080', '\uFFFD\uFFFD\uFFFD'],
    ['an overlong form', 'c0af', '\uFFFD\uFFFD'],
    ['a long text with one bad byte', `${'61'.repeat(40)}80`, `${'a'.repeat(40)}\uFFFD`],
  ])('reads %s as U+FFFD, as Java does', (_, bytes, expected) => {
    expect(string.deserialize(hex(bytes), 0, bytes.length / 2)).toBe(expected)
  })

  it('reads any bytes without failing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), (bytes) => {
        expect(string.deserialize(bytes, 0, bytes.length)).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes))
      }),
    )
  })

  it('says of bytes that it would give them back only if it does', () => {
    const ascii = fc.uint8Array({ max: 127, maxLength: 9 })
    const some = fc.oneof(
      ascii,
      ascii,
      fc.uint8Array({ maxLength: 9 }),
      text.map((one) => Uint8Array.from(Buffer.from(one))),
    )
    fc.assert(
      fc.property(fc.array(some, { maxLength: 6 }), (parts) => {
        const bytes = Uint8Array.from(parts.flatMap((one) => [...one]))
        const ends = parts.map((_, i) => parts.slice(0, i + 1).reduce((sum, { length }) => sum + length, 0))
        const starts = parts.map((one, i) => (ends[i] as number) - one.length)
        const givesBack = string.givesBack?.({ form: 'packed', length: parts.length, bytes, starts, ends })
        const again = parts.map((one) => string.serialize(string.deserialize(one, 0, one.length)))
        const isSame = again.every((one, i) => Buffer.compare(one as Uint8Array, parts[i] as Uint8Array) === 0)
        // Of what is not ASCII it does not say.
        expect(givesBack).toBe(bytes.every((byte) => byte < 128))
        expect(isSame || givesBack === false).toBe(true)
      }),
    )
  })

  it('does not say it for a copy, which may read or write something else; nullable, which does not, says it', () => {
    const column = { form: 'packed', length: 1, bytes: hex('61'), starts: Int32Array.of(0), ends: Int32Array.of(1) } as const
    const trimmed = { ...string, serialize: (value: string) => string.serialize(value.trim()) }
    expect(trimmed.givesBack).toBeUndefined()
    expect(serdes.nullable(string).givesBack?.(column)).toBe(true)
    expect(serdes.nullable(trimmed).givesBack).toBeUndefined()
  })

  it('reads only the range it is given', () => {
    expect(string.deserialize(hex('6162636465'), 1, 4)).toBe('bcd')
    expect(string.deserialize(hex(`ff${'61'.repeat(20)}ff`), 1, 21)).toBe('a'.repeat(20))
  })

  it.each([['\uD83D'], ['a\uDE00b'], [`${'x'.repeat(50)}\uD83D`], ['\uDE00\uD83D']])('refuses half a surrogate pair: %j', (value) => {
    expect(() => string.serialize(value)).toThrow(SerdeError)
    expect(() => serializeColumn(string, ['good', value])).toThrow('half a surrogate pair')
  })

  it('refuses two halves of a pair that only meet in the column', () => {
    expect(() => serializeColumn(string, ['\uD83D', '\uDE00'])).toThrow(expect.objectContaining({ index: 0 }))
  })

  it.each([[null], [undefined], [5], [{}]])('refuses %j, which is no string', (value) => {
    expect(() => string.serialize(value as never)).toThrow('is no string.')
    expect(() => serializeColumn(string, ['good', value as never])).toThrow(expect.objectContaining({ index: 1 }))
  })

  it("refuses Kafka's null and says what allows it", () => {
    for (const column of bothForms([hex('61'), null])) {
      const { values, failures } = deserializeColumn(string, column)
      expect(values[0]).toBe('a')
      expect(failures).toMatchObject([{ index: 1, error: { code: 'DESERIALIZATION_FAILED' } }])
      expect(String(failures[0]?.error)).toContain('serdes.nullable')
    }
  })

  it('gives every value an array of its own, or one for the column', () => {
    expect((string.serialize('key') as Uint8Array).buffer.byteLength).toBe(3)
    const column = serializeColumn(string, ['a', 'ż', ''])
    expect(column).toMatchObject({ form: 'packed' })
    expect(listOf(column)).toEqual([[0x61], [0xc5, 0xbc], []])
  })
})
