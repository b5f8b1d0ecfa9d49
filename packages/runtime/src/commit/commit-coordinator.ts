import type { CommitEvent } from '@millrace/core'
import type { Task } from '../task/task.ts'

/** Why a commit was made. */
export type CommitReason = CommitEvent['reason']

/**
 * Makes what finished passes did durable, hiding the processing guarantee from everything else. After a rejection nobody knows what took
 * effect: the tasks are recovered.
 */
export interface CommitCoordinator {
  /**
   * Commits what `tasks` have finished; resolves when it is confirmed and local state is written: to false if there was nothing. One at a time.
   * After a rejection every later call rejects too: what was sealed may be lost, and nothing may be committed past it.
   */
  commit(tasks: readonly Task[], reason: CommitReason): Promise<boolean>
  /** Its writer is given up: a commit that is under way goes no step further, and rejects, as every later one. */
  abandon(reason: unknown): void
}
