import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Lines, LineSplitter } from '../../src/text/line-splitter.ts'

function textOf({ bytes, starts, ends }: Lines): string[] {
  return starts.map((start, i) => Buffer.from(bytes.subarray(start, ends[i])).toString('latin1'))
}

function split(pieces: readonly Uint8Array[], maxLineBytes = 1_000): string[] {
  const splitter = new LineSplitter(maxLineBytes)
  const lines = pieces.flatMap((piece) => textOf(splitter.push(piece)))
  lines.push(...textOf(splitter.end()))
  expect(splitter.lines).toBe(lines.length)
  return lines
}

describe('lines', () => {
  test.each([
    ['', []],
    ['a', ['a']],
    ['a\n', ['a']],
    ['a\nb', ['a', 'b']],
    ['a\r\nb\r\n', ['a', 'b']],
    ['\n\n', ['', '']],
    ['\r\n\na\rb\n\r\n', ['', '', 'a\rb', '']],
    ['a\r\r\n', ['a\r']],
  ])('of %j', (text, expected) => {
    expect(split([Buffer.from(text)])).toEqual(expected)
  })

  test('are the same however the text comes in pieces', () => {
    const text = fc.array(fc.constantFrom('a', 'b', '\n', '\r', '\r\n'), { maxLength: 40 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(text, fc.array(fc.nat(60), { maxLength: 6 }), (whole, cuts) => {
        const bytes = Buffer.from(whole)
        const bounds = [0, ...cuts.filter((at) => at < bytes.length).sort((a, b) => a - b), bytes.length]
        const pieces = bounds.slice(1).map((end, i) => bytes.subarray(bounds[i], end))
        const expected = whole.split('\n')
        const last = expected.pop() as string
        expect(split(pieces)).toEqual([...expected.map((line) => line.replace(/\r$/, '')), ...(last === '' ? [] : [last])])
      }),
    )
  })

  test('keep bytes that are no UTF-8 as they are', () => {
    expect(split([Buffer.from([0xc3, 0x0a, 0xff, 0xfe, 0x0a])])).toEqual(['\xc3', '\xff\xfe'])
  })

  test.each([
    ['in one piece', ['a\nbbbb\n']],
    ['in pieces', ['a\nbb', 'bb', '\n']],
    ['that does not end', ['a\nbb', 'bb']],
  ])('that are too long are refused, with their number: %s', (_, pieces) => {
    expect(() =>
      split(
        pieces.map((piece) => Buffer.from(piece)),
        3,
      ),
    ).toThrow('line 2 has more than 3 bytes, and a line is one record')
  })
})
