import { MillraceError } from '@millrace/core'

/** Why a commit ends where it is: not because the group refused it. */
export function abandoned(why: string): MillraceError {
  return new MillraceError('COMMIT_ABANDONED', `A commit was given up because ${why}: its records will be processed again.`, {
    stage: 'commit',
    retryable: true,
  })
}
