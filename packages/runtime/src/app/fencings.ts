import { MillraceError } from '@millrace/core'

/** More than that within the time is no process that stood still for longer than its transaction may last. */
const MAX = 10
const WITHIN_MS = 60_000

/**
 * How often the writer was fenced lately. It happens to one that stood still; again and again it happens to two that use the same transactional id,
 * each of which takes it from the other and gets on for a moment.
 */
export class Fencings {
  #at: number[] = []

  /** Notes `error` if it says that the writer was fenced. Returns what to stop with, when that was too often. */
  note(error: unknown, now: number): MillraceError | undefined {
    if (!(error instanceof MillraceError) || error.code !== 'PRODUCER_FENCED') return undefined
    this.#at = [...this.#at.filter((at) => now - at < WITHIN_MS), now]
    if (this.#at.length <= MAX) return undefined
    const message =
      `The writer was fenced ${this.#at.length} times within ${WITHIN_MS / 1_000} s: another process seems to use the same transactional id. Was the state folder ` +
      `copied, with the process-id files in it? Give each process a folder of its own, or delete those files in all copies but one.`
    return new MillraceError('PRODUCER_FENCED', message, { stage: 'commit', cause: error })
  }
}
