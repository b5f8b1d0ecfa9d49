import { MillraceError } from '@millrace/core'

/** What LevelDB said, in our words: code and message of the innermost cause. */
function causeOf(error: unknown): { code: string; message: string } {
  let last = error as { code?: unknown; message?: unknown; cause?: unknown }
  while (last.cause instanceof Error) last = last.cause as typeof last
  return { code: typeof last.code === 'string' ? last.code : '', message: String(last.message) }
}

/** Why a database could not be opened: `STORE_LOCKED`, `STORE_CORRUPT`, or `STORE_OPEN_FAILED`. */
export function openFailed(folder: string, error: unknown): MillraceError {
  const { code, message } = causeOf(error)
  const details = { stage: 'store', cause: error } as const
  if (code === 'LEVEL_LOCKED' || /lock/i.test(message)) {
    return new MillraceError('STORE_LOCKED', `The state in '${folder}' is in use by another process: give each process a stateDir of its own, or stop the other one.`, details)
  }
  if (code === 'LEVEL_CORRUPTION' || /corruption|invalid argument|does not exist|checksum|manifest|CURRENT/i.test(message)) {
    return new MillraceError('STORE_CORRUPT', `The state in '${folder}' is damaged or is no LevelDB database: ${message}`, details)
  }
  return new MillraceError('STORE_OPEN_FAILED', `The state in '${folder}' can't be opened: ${message}`, details)
}

export function writeFailed(folder: string, error: unknown): MillraceError {
  return new MillraceError('STORE_WRITE_FAILED', `State could not be written to '${folder}': ${causeOf(error).message}. Is the disk full?`, {
    stage: 'store',
    cause: error,
  })
}
