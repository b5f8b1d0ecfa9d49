import { expect, test } from 'vitest'
import { complaintsIn } from '../src/run/complaints.ts'

test('errors and what is no log are complaints, the rest is not', () => {
  const log = ['{"level":30,"msg":"fine"}', '{"level":50,"msg":"bad"}', 'MillraceError: worse', '    at nowhere', ''].join('\n')
  expect(complaintsIn(log)).toEqual(['{"level":50,"msg":"bad"}', 'MillraceError: worse', '    at nowhere'])
})

test('only the last ones are given, and of each so much as tells what it is', () => {
  const lines = Array.from({ length: 50 }, (_, i) => `${i} ${'x'.repeat(1_000)}`)
  const complaints = complaintsIn(lines.join('\n'))
  expect(complaints).toHaveLength(30)
  expect(complaints[29]).toMatch(/^49 x{397}\.\.\.$/)
})
