import { RowError } from '@millrace/bulk-sink'
import { expect, test } from 'vitest'
import { rowLine } from '../src/row-line.ts'

const at = new Date('2024-02-29T23:59:59.987Z')

function line(type: string, value: unknown): string {
  const columns = new Map([['c', { type, label: '"c":' }]])
  return rowLine({ c: value }, 3, { table: 't', columns, given: new Set() })
}

test.each<[string, unknown, string]>([
  ['DateTime64(3)', at, '"1709251199.987"'],
  ['DateTime', at, '"1709251199"'],
  ["Nullable(DateTime('Europe/Rome'))", at, '"1709251199"'],
  ['Date32', at, '"2024-02-29"'],
  ['Int64', at, '"1709251199987"'],
  ['LowCardinality(String)', at, '"2024-02-29T23:59:59.987Z"'],
  ['Bool', true, 'true'],
  ['UInt8', true, '1'],
  ['String', false, '"false"'],
  ['UInt256', 2n ** 200n, `"${2n ** 200n}"`],
  ['Decimal(18, 4)', 1e-3, '0.0010'],
  ['Decimal64(2)', 0.1 + 0.2, '0.30'],
  ['Float64', Number.NaN, '"nan"'],
  ['Float32', -Infinity, '"-inf"'],
  ['Array(Nullable(Decimal(9, 1)))', [0.25, null], '[0.3,null]'],
  ['Array(DateTime)', [at], '["1709251199"]'],
  ['Map(String, UInt64)', { a: 1 }, '{"a":1}'],
  ['String', { a: [1, 'x"y'] }, String.raw`"{\"a\":[1,\"x\\\"y\"]}"`],
  ['String', Buffer.from('tüte'), '"tüte"'],
])('a value for %s', (type, value, expected) => {
  expect(line(type, value)).toBe(`{"c":${expected}}\n`)
})

test.each<[string, unknown, string]>([
  ['UInt8', Number.NaN, 'NaN is no value of the column'],
  ['DateTime', new Date(Number.NaN), 'the date is invalid'],
  ['UInt8', null, 'null, and the column takes none'],
  ['String', Buffer.from([255]), 'not valid for encoding utf-8'],
  ['String', { a: Infinity }, "Infinity can't be written as JSON"],
  ['UInt8', Symbol('s'), "symbol can't be written"],
])('what can not be in %s names table, column and type', (type, value, reason) => {
  const convert = () => line(type, value)
  expect(convert).toThrow(RowError)
  expect(convert).toThrow(`Column 'c' of table 't': `)
  expect(convert).toThrow(reason)
  expect(convert).toThrow(`(its type is ${type})`)
})
