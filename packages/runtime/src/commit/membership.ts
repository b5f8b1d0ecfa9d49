import { type Clock, MillraceError, type OffsetCommit, type RecordSource } from '@millrace/core'

/** How old an answer of the group may be, in milliseconds: however short the session is, and where nothing is known of it. */
const LOWEST_MAX_AGE_MS = 1_000
/**
 * The same as a part of the session. What was handed to a client may be sent for nine tenths of a session yet: together that is not longer than the
 * group waits.
 */
const MAX_AGE = 0.1
/** Answers that come too late to say anything, in a row, after which it is given up. */
const ATTEMPTS = 5

/**
 * Whether this process is still a member of its group, by the group's own word. Changelogs are written only after it said yes: a process that
 * was stopped for longer than its session would otherwise put its old state over that of whoever owns the partitions now. Who was a member a
 * tenth of a session ago has not been put out since, unless the process stood still meanwhile, which the clocks tell.
 */
export class Membership {
  readonly #source: RecordSource
  readonly #clock: Clock
  readonly #maxAgeMs: number
  #monotonic = -Infinity
  #wall = -Infinity

  constructor(source: RecordSource, clock: Clock) {
    this.#source = source
    this.#clock = clock
    this.#maxAgeMs = Math.max(LOWEST_MAX_AGE_MS, (source.sessionTimeoutMs ?? 0) * MAX_AGE)
  }

  /** Commits for the group, which refuses it to those who are no members. */
  async commit(offsets: readonly OffsetCommit[]): Promise<void> {
    // The group may have said yes as soon as it was asked.
    const monotonic = this.#clock.monotonic()
    const wall = this.#clock.now()
    await this.#source.commit(offsets)
    this.#monotonic = monotonic
    this.#wall = wall
  }

  /**
   * Resolves if membership is certain now, asking the group unless it has just said so; rejects with `TIMED_OUT`, which may pass, if its answers
   * take too long to be of use. `held`: an offset as it is committed already.
   */
  async confirm(held: OffsetCommit): Promise<void> {
    for (let attempt = 0; !this.#isFresh(); attempt++) {
      if (attempt === ATTEMPTS) throw this.#tooSlow()
      await this.commit([held])
    }
  }

  /** By both clocks: one may stand still while the machine sleeps, the other may be set. */
  #isFresh(): boolean {
    const age = Math.max(this.#clock.monotonic() - this.#monotonic, Math.abs(this.#clock.now() - this.#wall))
    return age < this.#maxAgeMs
  }

  #tooSlow(): MillraceError {
    const message =
      `The group's coordinator took longer than ${Math.round(this.#maxAgeMs)} ms to confirm that this process is a member, ${ATTEMPTS} times in a row: ` +
      'nothing was written to the changelogs. Find out what makes it slow, or set a longer session timeout.'
    return new MillraceError('TIMED_OUT', message, { stage: 'commit', retryable: true })
  }
}
