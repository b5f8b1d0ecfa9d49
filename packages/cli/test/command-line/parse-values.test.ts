import { onTestFinished, expect, test, vi } from 'vitest'
import { moment } from '../../src/command-line/parse-values.ts'

test.each([
  ['2026-03-01T12:00:00Z', Date.UTC(2026, 2, 1, 12)],
  ['2026-03-01T12:00+01:00', Date.UTC(2026, 2, 1, 11)],
  // Five hours behind.
  ['2026-01-02T12:00', Date.UTC(2026, 0, 2, 17)],
  ['2026-01-02', Date.UTC(2026, 0, 2, 5)],
  ['2026-01', Date.UTC(2026, 0, 1, 5)],
  ['1767330000000', 1_767_330_000_000],
])('%s is local time unless it names a zone', (text, ms) => {
  vi.stubEnv('TZ', 'America/New_York')
  onTestFinished(() => void vi.unstubAllEnvs())

  expect(moment(text)).toBe(ms)
})

test.each(['yesterday', '2026', '2026-13-01', '1'])('%s is no moment', (text) => {
  expect(() => moment(text)).toThrow('Use a date and time')
})
