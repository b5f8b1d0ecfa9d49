import type { Clock } from '@millrace/core'

export interface ExpiryTimerOptions {
  readonly clock: Clock
  /** When something expires next, by the clock that only goes forwards; Infinity: nothing does. */
  readonly next: () => number
  /** Lets go of what has expired. */
  readonly expire: (now: number) => void
}

/** Rings when something that waits has waited for too long. */
export class ExpiryTimer {
  readonly #options: ExpiryTimerOptions
  #at = Infinity
  #cancel: (() => void) | undefined

  constructor(options: ExpiryTimerOptions) {
    this.#options = options
  }

  /** Something waits since the last call, or nothing rings. */
  set(): void {
    const { clock, next, expire } = this.#options
    const at = next()
    if (at >= this.#at) return
    this.end()
    this.#at = at
    this.#cancel = clock.after(Math.ceil(Math.max(0, at - clock.monotonic())), () => {
      this.#at = Infinity
      expire(clock.monotonic())
      this.set()
    })
  }

  end(): void {
    this.#cancel?.()
    this.#at = Infinity
  }
}
