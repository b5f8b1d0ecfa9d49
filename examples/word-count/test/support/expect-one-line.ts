import { expect } from 'vitest'

/** One line on standard error, no stack trace, nothing on standard output. */
export function expectOneLine({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }, pattern: RegExp): void {
  expect(stderr).toMatch(/^word-count: [^\n]+\n$/)
  expect(stderr).toMatch(pattern)
  expect(stdout).toBe('')
}
