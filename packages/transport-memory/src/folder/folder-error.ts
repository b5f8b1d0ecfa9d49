import { MillraceError } from '@millrace/core'

/** The folder can't be used as it is; nothing in it has been changed. */
export function folderError(code: 'FOLDER_LOCKED' | 'FOLDER_NOT_EMPTY' | 'FOLDER_FORMAT' | 'LOG_CORRUPT', message: string): MillraceError {
  return new MillraceError(code, message, { stage: 'source' })
}
