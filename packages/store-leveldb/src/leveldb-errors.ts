import { MillraceError, storeClosed } from '@millrace/core'

/** LevelDB wraps what went wrong in what it could not do therefore; the innermost says most. */
function innermost(error: unknown): { readonly code: string; readonly message: string } {
  let last = error
  while (last instanceof Error && last.cause instanceof Error) last = last.cause
  if (!(last instanceof Error)) return { code: '', message: String(last) }
  return { code: (last as NodeJS.ErrnoException).code ?? '', message: last.message }
}

/** Contents that are no database, or one with parts gone or changed. A file that LevelDB misses, or that is too short, is an I/O error to it. */
function isCorruption(code: string, message: string): boolean {
  return code === 'LEVEL_CORRUPTION' || (code === 'LEVEL_IO_ERROR' && /No such file|Invalid argument/.test(message))
}

/** An operation on a closed database, or on an iterator that was closed with it. */
function isClosed(code: string): boolean {
  return code === 'LEVEL_DATABASE_NOT_OPEN' || code === 'LEVEL_ITERATOR_NOT_OPEN' || code === 'LEVEL_BATCH_NOT_OPEN'
}

/** The disk, or what of it this process may use, is full: by the words of the operating system. */
function isFull(message: string): boolean {
  return /No space left|File too large|[Qq]uota exceeded/.test(message)
}

/** Contents that can't be used as they are: damaged, or not ours. */
export function corrupt(folder: string, message: string, cause?: unknown): MillraceError {
  const text = `The state in '${folder}' is damaged, or was not written by Millrace: ${message}`
  return new MillraceError('STORE_CORRUPT', text, { stage: 'store', cause })
}

/** Why a database could not be opened: `STORE_LOCKED`, `STORE_CORRUPT` or `STORE_OPEN_FAILED`. */
export function openFailed(folder: string, cause: unknown): MillraceError {
  const { code, message } = innermost(cause)
  if (code === 'LEVEL_LOCKED') {
    const text = `The state in '${folder}' is already open, here or in another process: give each its own stateDir, or stop the other one.`
    return new MillraceError('STORE_LOCKED', text, { stage: 'store', cause })
  }
  if (isCorruption(code, message)) return corrupt(folder, message, cause)
  const advice = isFull(message) ? '. Make room on the disk, and start again' : ''
  return new MillraceError('STORE_OPEN_FAILED', `The state in '${folder}' can't be opened: ${message}${advice}`, { stage: 'store', cause })
}

/** Why entries could not be read: `STORE_CLOSED`, `STORE_CORRUPT` or `STORE_READ_FAILED`. */
export function readFailed(folder: string, cause: unknown): MillraceError {
  const { code, message } = innermost(cause)
  if (isClosed(code)) return storeClosed(cause)
  if (isCorruption(code, message)) return corrupt(folder, message, cause)
  return new MillraceError('STORE_READ_FAILED', `State could not be read from '${folder}': ${message}`, { stage: 'store', cause })
}

/** Why entries could not be written: `STORE_CLOSED`, `STORE_CORRUPT` or `STORE_WRITE_FAILED`. */
export function writeFailed(folder: string, cause: unknown): MillraceError {
  const { code, message } = innermost(cause)
  if (isClosed(code)) return storeClosed(cause)
  if (isCorruption(code, message)) return corrupt(folder, message, cause)
  const text = `State could not be written to '${folder}': ${message}. Is there space left on the disk, and may this process write there?`
  return new MillraceError('STORE_WRITE_FAILED', text, { stage: 'store', cause })
}
