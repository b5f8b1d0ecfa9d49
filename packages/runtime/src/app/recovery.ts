import { asError, MillraceError } from '@millrace/core'
import type { TaskEnvironment } from '../task/task-environment.ts'
import type { TaskManager } from '../task/task-manager.ts'
import { Fencings } from './fencings.ts'

/** Recoveries in a row, without a confirmed commit or a time of calm between them, before the application gives up. */
const MAX_IN_A_ROW = 6
const FIRST_DELAY_MS = 100
const MAX_DELAY_MS = 10_000
/** For so long all has to be well, where nothing comes that could be committed, before that counts as much as a commit. */
const CALM_MS = 60_000

export interface RecoveryOptions {
  readonly environment: TaskEnvironment
  readonly manager: TaskManager
  /** Gives up the present writer and opens another. */
  readonly reopen: (error: unknown) => Promise<void>
  readonly fail: (error: unknown) => void
}

/** What is done when a commit, flush, write or restore did not end in confirmed success: the tasks begin anew from what is committed. */
export class Recovery {
  readonly #options: RecoveryOptions
  readonly #fencings = new Fencings()
  #inARow = 0
  /** Since the last recovery: when it was first seen that all is well. */
  #calmSince: number | undefined
  #running: Promise<void> | undefined
  #isUnderWay = false
  /** What failed while a recovery was under way, after it had given up what was there before. */
  #again: { readonly error: unknown } | undefined
  #stopped = false
  #cancelWait: () => void = () => undefined

  constructor(options: RecoveryOptions) {
    this.#options = options
  }

  /** A commit was confirmed. */
  succeeded(): void {
    this.#inARow = 0
  }

  /** All tasks run, with nothing to do, nothing that waits and nothing to commit. */
  calm(): void {
    if (this.#isUnderWay) return
    const now = this.#options.environment.clock.monotonic()
    this.#calmSince ??= now
    if (now - this.#calmSince >= CALM_MS) this.#inARow = 0
  }

  /** Begins a recovery; one that is under way is followed by another, unless it is yet to give up what failed. */
  begin(error: unknown): void {
    if (this.#stopped) return
    if (this.#isUnderWay) {
      this.#again = { error }
      return
    }
    this.#isUnderWay = true
    this.#running = this.#recover(error)
  }

  /** No more recoveries; resolves when the one under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelWait()
    await this.#running
  }

  async #recover(error: unknown): Promise<void> {
    const { environment, manager, reopen, fail } = this.#options
    try {
      for (let reason = error; ;) {
        if (this.#stopped) return
        this.#calmSince = undefined
        const fencedTooOften = this.#fencings.note(reason, environment.clock.monotonic())
        if (++this.#inARow > MAX_IN_A_ROW || fencedTooOften !== undefined) {
          fail(fencedTooOften ?? reason)
          return
        }
        const delayMs = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (this.#inARow - 1))
        environment.logger.warn({ err: reason, attempt: this.#inARow, delayMs }, 'tasks are made anew from what is committed')
        environment.emit?.({
          type: 'recover',
          stage: 'commit',
          tasks: manager.tasks.map((task) => task.id),
          error: asError(reason),
        })
        environment.careful.begin(
          reason,
          manager.tasks.flatMap(({ queues }) => queues),
        )
        await this.#wait(delayMs)
        if (this.#stopped) return
        try {
          await manager.recover(async () => {
            await reopen(reason)
            this.#again = undefined
          })
          const again = this.#takeAgain()
          if (again === undefined) return
          reason = again.error
        } catch (again) {
          reason = again
          // Who is no member any more is told so in the end, and may be given partitions again: until then this says nothing of the application.
          if (again instanceof MillraceError && again.code === 'COMMIT_REFUSED') this.#inARow--
        }
      }
    } finally {
      // In the same turn: what fails from now on begins another.
      this.#isUnderWay = false
    }
  }

  #takeAgain(): { readonly error: unknown } | undefined {
    const again = this.#again
    this.#again = undefined
    return again
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.environment.clock.after(delayMs, resolve)
      this.#cancelWait = () => {
        cancel()
        resolve()
      }
    })
  }
}
