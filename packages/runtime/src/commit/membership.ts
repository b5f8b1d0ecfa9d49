import type { Clock, OffsetCommit, RecordSource } from '@millrace/core'

/**
 * How old an answer of the group may be, in milliseconds. Far below any session timeout: who was a member so shortly ago has not been put out,
 * unless the process stood still meanwhile, which the clocks tell.
 */
const MAX_AGE_MS = 1_000

/**
 * Whether this process is still a member of its group, by the group's own word. Changelogs are written only after it said yes: a process that
 * was stopped for longer than its session would otherwise put its old state over that of whoever owns the partitions now.
 */
export class Membership {
  readonly #source: RecordSource
  readonly #clock: Clock
  #monotonic = -Infinity
  #wall = -Infinity

  constructor(source: RecordSource, clock: Clock) {
    this.#source = source
    this.#clock = clock
  }

  /** Commits for the group, which refuses it to those who are no members. */
  async commit(offsets: readonly OffsetCommit[]): Promise<void> {
    const monotonic = this.#clock.monotonic()
    const wall = this.#clock.now()
    await this.#source.commit(offsets)
    this.#monotonic = monotonic
    this.#wall = wall
  }

  /** Resolves if membership is certain now, asking the group unless it has just said so. `held`: an offset as it is committed already. */
  async confirm(held: OffsetCommit): Promise<void> {
    while (!this.#isFresh()) await this.commit([held])
  }

  /** By both clocks: one may stand still while the machine sleeps, the other may be set. */
  #isFresh(): boolean {
    return this.#clock.monotonic() - this.#monotonic < MAX_AGE_MS && Math.abs(this.#clock.now() - this.#wall) < MAX_AGE_MS
  }
}
