import { type PackedColumn, viewColumn } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { ProducibleColumn } from '../../src/confluent/producible-column.ts'

const LONG = 'x'.repeat(100)

function packed(texts: readonly (string | null)[]): PackedColumn {
  const bytes = Buffer.from(`..${texts.join('')}`)
  const ends: number[] = []
  const starts = texts.map((text, i) => {
    const start = texts.slice(0, i).reduce((sum, one) => sum + (one?.length ?? 0), 2)
    ends.push(text === null ? -1 : start + text.length)
    return start
  })
  return { form: 'packed', length: texts.length, bytes, starts, ends }
}

describe('rows of columns as the client is given them', () => {
  const texts = ['one', '', null, 'three', LONG, 'two']

  test.each([
    ['packed', packed(texts)],
    ['of views', viewColumn(texts.map((text) => (text === null ? null : Buffer.from(text))))],
  ])('%s: whole, with empty apart from null', (_, column) => {
    const rows = new ProducibleColumn()
    const told = texts.map((_text, row) => {
      const bytes = rows.at(column, row)
      return bytes === null ? null : Buffer.from(bytes).toString()
    })
    expect(told).toEqual(texts)
  })

  test('short ones of the same length share a buffer, which is no part of the column', () => {
    const column = packed(['one', 'two', LONG])
    const rows = new ProducibleColumn()
    const one = rows.at(column, 0)
    expect(rows.at(column, 1)).toBe(one)
    expect(one?.buffer).not.toBe(column.bytes.buffer)
    expect(rows.at(column, 2)?.buffer).toBe(column.bytes.buffer)
  })
})
