import { MillraceError } from '@millrace/core'

/** Whether it says, or was caused by, local state that turned out to be damaged: set aside when it is opened again, it is restored. */
export function isDamage(error: unknown): boolean {
  return error instanceof Error && ((error instanceof MillraceError && error.code === 'STORE_CORRUPT') || isDamage(error.cause))
}
