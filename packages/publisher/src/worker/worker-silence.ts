import type { Clock } from '@millrace/core'

/** So many parts the time is counted in: a service that stood still itself, for an hour, has missed one of them. */
const PARTS = 10

export interface WorkerSilenceOptions {
  readonly clock: Clock
  readonly limitMs: number
  /** Whether something is to be heard from it at all. */
  readonly isAwaited: () => boolean
  /** It has said nothing for so long. Called once. */
  readonly onSilent: () => void
}

/** For how long nothing was heard from a worker that has something to do. */
export class WorkerSilence {
  readonly #options: WorkerSilenceOptions
  #parts = 0
  #cancel: () => void

  constructor(options: WorkerSilenceOptions) {
    this.#options = options
    this.#cancel = this.#waitForPart()
  }

  #waitForPart(): () => void {
    const { clock, limitMs, isAwaited, onSilent } = this.#options
    return clock.after(limitMs / PARTS, () => {
      this.#parts = isAwaited() ? this.#parts + 1 : 0
      // The first of them may have begun before it was awaited.
      if (this.#parts > PARTS) onSilent()
      else this.#cancel = this.#waitForPart()
    })
  }

  heard(): void {
    this.#parts = 0
  }

  end(): void {
    this.#cancel()
  }
}
