import { MillraceError } from '../errors/millrace-error.ts'
import { BatchRecordError } from '../process/batch-record-error.ts'
import type { ErrorClass } from './failure-options.ts'
import { withCauses } from './thrown-value.ts'

/**
 * Whether a retry may help: not if the error, or what it was caused by, is of a class in `nonRetryable`; nor if a {@link MillraceError} says that it is
 * not retryable. Everything else is worth another try, whatever was thrown.
 */
export function isRetryable(error: unknown, nonRetryable: readonly ErrorClass[]): boolean {
  const chain = withCauses(error)
  if (chain.some((each) => nonRetryable.some((type) => isOf(each, type)))) return false
  // This one only names a record: what happened to it says the cause.
  const told = chain.find((each) => !isOf(each, BatchRecordError))
  return !isOf(told, MillraceError) || (told as MillraceError).retryable
}

/** A class may decide by itself what belongs to it, and a proxy what it is: either may throw. */
function isOf(value: unknown, type: ErrorClass): boolean {
  try {
    return value instanceof type
  } catch {
    return false
  }
}
