import { expect } from 'vitest'

/** Matches a text that contains `part`. */
export function containing(part: string): unknown {
  return expect.stringContaining(part)
}

/** Matches a text that `pattern` matches. */
export function matching(pattern: RegExp): unknown {
  return expect.stringMatching(pattern)
}
