import { MillraceError } from '../errors/millrace-error.ts'

/** What a backend says to operations after its close: whoever asks again may find the store open elsewhere. */
export function storeClosed(cause?: unknown): MillraceError {
  return new MillraceError('STORE_CLOSED', 'The store was closed: its task has ended, or has moved to another process.', {
    stage: 'store',
    retryable: true,
    cause,
  })
}
