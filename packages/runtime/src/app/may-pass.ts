import { MillraceError } from '@millrace/core'

/** Whether tasks that are made anew may get on: also when the group refused a commit, since it gives the partitions to somebody in the end. */
export function mayPass(error: unknown): boolean {
  return error instanceof MillraceError && (error.retryable || error.code === 'COMMIT_REFUSED')
}
