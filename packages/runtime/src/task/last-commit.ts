import { MillraceError, settledWithin } from '@millrace/core'
import { abandoned } from '../commit/abandoned.ts'
import type { Task } from './task.ts'
import type { TaskEnvironment } from './task-environment.ts'

export interface LastCommitSteps {
  readonly environment: TaskEnvironment
  /** Commits what tasks have finished. */
  readonly commit: (reason: 'revoke') => Promise<void>
  /** A commit that is under way is to have no more effect: partitions of it are somebody else's. Nothing happens if there is none. */
  readonly abandonCommit: (reason: MillraceError) => void
}

/**
 * Commits what `tasks` have finished before they are closed, within `revokeTimeoutMs`: a commit that takes longer is given up. Never rejects;
 * resolves to why it failed, if it did.
 */
export async function commitLast(
  tasks: readonly Task[],
  { environment, commit, abandonCommit }: LastCommitSteps,
): Promise<{ readonly error: unknown } | undefined> {
  const { clock, definition, logger } = environment
  const { revokeTimeoutMs } = definition
  try {
    const committing = commit('revoke')
    if (!(await settledWithin(committing, revokeTimeoutMs, clock))) {
      const late = commitTooLate(revokeTimeoutMs)
      abandonCommit(late)
      throw late
    }
    await committing
    return undefined
  } catch (error) {
    logger.warn(
      { err: error, tasks: tasks.map(({ id }) => id) },
      'the last commit of these tasks failed: their records will be processed again',
    )
    return { error }
  }
}

/** After the last commit: what the next one to open these stores may count on. A failure only makes a later restore longer. Never rejects. */
export async function noteUpToDate(tasks: readonly Task[], { logger }: Pick<TaskEnvironment, 'logger'>): Promise<void> {
  for (const { id, state, stores } of tasks) {
    if (state !== 'finishing') continue
    try {
      await stores.noteUpToDate()
    } catch (error) {
      logger.debug({ task: id, err: error }, 'how far the stores of a task are could not be noted')
    }
  }
}

/** Of tasks whose partitions may be somebody else's by now: a commit that is under way is given up, and the log says what that means. */
export function abandonLost(tasks: readonly Task[], { environment, abandonCommit }: Omit<LastCommitSteps, 'commit'>): void {
  const ids = tasks.map(({ id }) => id)
  const error = abandoned(`the partitions of tasks ${ids.join(', ')} were lost`)
  abandonCommit(error)
  environment.logger.warn(
    { err: error, tasks: ids },
    'these tasks were lost to the group: what they have not committed will be processed again',
  )
}

/** Whether a commit failed because the partitions have gone to others: the group refused it, or they were lost before it ended. */
export function isOthers(error: unknown): boolean {
  return error instanceof MillraceError && (error.code === 'COMMIT_REFUSED' || error.code === 'COMMIT_ABANDONED')
}

function commitTooLate(limitMs: number): MillraceError {
  const message = `The last commit was not confirmed within ${limitMs} ms: what was processed since the commit before it will be processed again.`
  return new MillraceError('TIMED_OUT', message, { stage: 'commit', retryable: true })
}
