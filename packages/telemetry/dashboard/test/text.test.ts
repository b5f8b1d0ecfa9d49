import { expect, test } from 'vitest'
import { time } from '../src/text.ts'

test('a time of another day is told with its date', () => {
  const at = new Date(2026, 10, 20, 14, 2, 11).getTime()
  expect(time(at, new Date(2026, 10, 20, 23, 59).getTime())).toBe('14:02:11')
  expect(time(at, new Date(2026, 10, 21, 0, 1).getTime())).toBe('20 Nov 2026 14:02:11')
  expect(time(at, new Date(2026, 11, 20, 14, 3).getTime())).toBe('20 Nov 2026 14:02:11')
})
