import { RestoreJob, type RestoreRange } from '../store/restore-job.ts'
import type { ChangelogState } from '../store/restore-plan.ts'

/** How old what is on disk may say that the store is, at most, while nothing changes. */
const NOTE_MS = 3_600_000

/** A store that follows its changelog for as long as its task is elsewhere. */
export class FollowedStore {
  readonly job: RestoreJob
  /** Where the changelog ended when it was last looked at. */
  end: number
  /** An end that is yet to be reached. */
  #goal: ChangelogState | undefined
  #caughtUp = false
  #notedAt: number

  /** `state`: of its changelog now; `onWritten` is called after each write, and when one failed. */
  constructor(range: Omit<RestoreRange, 'to' | 'plannedAt'>, state: ChangelogState, onWritten: () => void) {
    this.job = new RestoreJob({ ...range, to: Infinity, plannedAt: state.at }, onWritten)
    this.end = state.end
    this.#goal = state
    this.#notedAt = state.at
  }

  /** Whether it had, at some time, all there was when following began. */
  get caughtUp(): boolean {
    return this.#caughtUp
  }

  /** The changelog was looked at again. */
  see(state: ChangelogState): void {
    const { entry, from, next } = this.job
    this.end = state.end
    this.#goal ??= state
    // What nothing was read of yet may have been made anew.
    if (next === from && entry.position === undefined) entry.topicId = state.id
  }

  /** Takes note of what has been reached; returns whether that is, for the first time, all there was at the beginning. */
  settle(): boolean {
    const goal = this.#goal
    const { entry, position } = this.job
    if (goal === undefined || position < goal.end) return false
    this.#goal = undefined
    // All of the changelog as it was then, whatever has come since.
    entry.upToDateAt = goal.at
    const isFirst = !this.#caughtUp
    this.#caughtUp = true
    return isFirst
  }

  /** Whether it is time to write down how far it is, since nothing else is written; it counts as done. */
  takeNote(): boolean {
    const { upToDateAt, position } = this.job.entry
    if (position === undefined || upToDateAt === undefined || upToDateAt - this.#notedAt < NOTE_MS) return false
    this.#notedAt = upToDateAt
    return true
  }
}
