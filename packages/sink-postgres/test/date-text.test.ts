import { expect, test } from 'vitest'
import { dateText } from '../src/date-text.ts'

test('dates are told as Node tells them, in whatever order they come', () => {
  const dates = ['1970-01-01T00:00:00.000Z', '1969-12-31T23:59:59.999Z', '2024-02-29T12:34:56.789Z', '0001-01-01T00:00:00.000Z']
  dates.push('9999-12-31T23:59:59.999Z', '2024-02-29T00:00:00.001Z', '2024-03-01T00:00:00.000Z', '2024-02-29T23:59:59.999Z')
  for (let ms = -1e13; ms < 1e13; ms += 98_765_432_109) dates.push(new Date(ms).toISOString())
  for (const date of dates) expect(dateText(new Date(date))).toBe(date)
})

test.each([
  ['of five digits', '+012024-05-06T07:08:09.010Z', '12024-05-06T07:08:09.010Z'],
  ['before the first', '-000001-05-06T07:08:09.010Z', '0002-05-06T07:08:09.010Z BC'],
  ['which is the one before the first', '0000-05-06T07:08:09.010Z', '0001-05-06T07:08:09.010Z BC'],
])('a year %s as the server reads it', (_, date, text) => {
  expect(dateText(new Date(date))).toBe(text)
})

test('a date that is none is told of', () => {
  expect(() => dateText(new Date(Number.NaN))).toThrow('the date is invalid')
})
