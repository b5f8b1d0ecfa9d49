import { MillraceError } from '@millrace/core'

/** What a store says when it, or what is below it, has failed: not what a record asked of it. */
const CODES: ReadonlySet<string> = new Set([
  'STORE_ACCESS',
  'STORE_CLOSED',
  'STORE_CORRUPT',
  'STORE_LOCKED',
  'STORE_NOT_ATOMIC',
  'STORE_NOT_EMPTY',
  'STORE_OPEN_FAILED',
  'STORE_READ_FAILED',
  'STORE_WRITE_FAILED',
])

/** Whether it says, or was caused by, a store that failed: no record is to blame for that. */
export function isStoreFailure(error: unknown): boolean {
  return error instanceof Error && ((error instanceof MillraceError && CODES.has(error.code)) || isStoreFailure(error.cause))
}
