import type { Blame } from '@millrace/bulk-sink'

/**
 * Codes of the server that say what is wrong with a row: values that can't be parsed, converted or are out of range, unknown columns in what was sent, violated
 * constraints.
 */
const ROW_CODES: ReadonlySet<number> = new Set([
  ...[6, 25, 26, 27, 38, 41, 43, 53, 69, 70, 72, 117, 130, 131, 190, 321, 349, 376, 407, 441, 469, 675, 676, 691],
])
/**
 * Codes of what a server can't do now, or not yet: memory, disk, quotas, limits, parts, connections, tables and rights that are missing, being read-only,
 * shutting down.
 */
const SERVER_CODES: ReadonlySet<number> = new Set([
  ...[3, 16, 60, 74, 75, 76, 81, 164, 192, 193, 194, 198, 201, 202, 203, 207, 209, 210, 218, 225, 236, 242, 243, 252],
  ...[285, 286, 289, 290, 319, 394, 425, 439, 473, 497, 499, 516, 745, 999, 1_000, 1_001],
])

/** It took too long, was too slow, or took too much memory. */
const SIZE_CODES: ReadonlySet<number> = new Set([159, 160, 173, 241])

const TOO_MANY_PARTS = 252

/** Who is to blame for an error of `@clickhouse/client`. One without a code of the server comes from the connection. */
export function clickhouseBlame(error: unknown): Blame {
  const code = codeOf(error)
  if (code === undefined) return 'server'
  if (ROW_CODES.has(code)) return 'rows'
  // It will always be too many, until there are fewer rows.
  if (code === TOO_MANY_PARTS && /single INSERT block/i.test(String((error as Error).message))) return 'unknown'
  if (SIZE_CODES.has(code)) return 'size'
  return SERVER_CODES.has(code) ? 'server' : 'unknown'
}

/** The code is in the client's error, or, where it could not read it, in the server's text. */
function codeOf(error: unknown): number | undefined {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown }
  if (typeof code === 'string' && /^\d+$/.test(code)) return Number(code)
  const found = typeof message === 'string' ? /\bCode: (\d+)/.exec(message) : null
  return found === null ? undefined : Number(found[1])
}
