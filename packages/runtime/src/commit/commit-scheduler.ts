import type { Clock } from '@millrace/core'
import { type CommitReason, moreUrgent } from './commit-reason.ts'

export interface CommitSchedule {
  readonly intervalMs: number
  /** Records since the last commit; Infinity: no limit. */
  readonly records: number
  /** Serialised bytes of changed state, in any one task. */
  readonly maxUncommittedBytes: number
}

/**
 * Decides when to commit, and sees to it that one commit is under way at a time. What asks for a commit while one is under way gets the next
 * one, for the most urgent reason that it was asked for. A commit that rejects is reported to `onFailure` and to who asked for it.
 */
export class CommitScheduler {
  readonly #schedule: CommitSchedule
  readonly #clock: Clock
  readonly #commit: (reason: CommitReason) => Promise<void>
  readonly #onFailure: (error: unknown) => void
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined
  #nextReason: CommitReason = 'interval'
  #records = 0
  #cancelTimer: (() => void) | undefined
  #stopped = false

  constructor(
    schedule: CommitSchedule,
    clock: Clock,
    hooks: { commit: (reason: CommitReason) => Promise<void>; onFailure: (error: unknown) => void },
  ) {
    this.#schedule = schedule
    this.#clock = clock
    this.#commit = hooks.commit
    this.#onFailure = hooks.onFailure
  }

  /** Whether a commit is under way. */
  get busy(): boolean {
    return this.#running !== undefined
  }

  start(): void {
    this.#arm()
  }

  /** A pass is done. */
  progressed(records: number, uncommittedBytes: number): void {
    this.#records += records
    if (this.#records >= this.#schedule.records) this.request('records')
    else if (uncommittedBytes >= this.#schedule.maxUncommittedBytes) this.request('bytes')
  }

  /** Asks for a commit without waiting for it. */
  request(reason: CommitReason): void {
    if (this.#stopped) return
    this.now(reason).catch(() => undefined)
  }

  /** Resolves when everything finished before the call is committed. */
  now(reason: CommitReason): Promise<void> {
    if (this.#running === undefined) return this.#begin(reason)
    // Who waits for a commit is not to get one that is made as if nobody did, because the timer has asked for it before.
    this.#nextReason = this.#next === undefined ? reason : moreUrgent(this.#nextReason, reason)
    const begin = () => this.#begin(this.#nextReason)
    this.#next ??= this.#running.then(begin, begin)
    return this.#next
  }

  /** Resolves when the commits asked for so far have ended, well or not. */
  async quiet(): Promise<void> {
    await (this.#next ?? this.#running)?.catch(() => undefined)
  }

  /** No more commits by themselves; resolves when the one under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelTimer?.()
    await this.quiet()
  }

  #begin(reason: CommitReason): Promise<void> {
    this.#next = undefined
    this.#records = 0
    const running = this.#commit(reason).then(
      () => this.#ended(),
      (error: unknown) => {
        this.#ended()
        this.#onFailure(error)
        throw error
      },
    )
    this.#running = running
    return running
  }

  /** Whoever asks between the end of this commit and the begin of the next must find that one, not begin another beside it. */
  #ended(): void {
    if (this.#next === undefined) this.#running = undefined
  }

  #arm(): void {
    this.#cancelTimer = this.#clock.after(this.#schedule.intervalMs, () => {
      if (this.#stopped) return
      this.request('interval')
      this.#arm()
    })
  }
}
