import type { Clock } from '@millrace/core'

/** One timer, for whichever of many moments comes first. */
export class WakeTimer {
  readonly #clock: Clock
  readonly #wake: () => void
  #set: { readonly at: number; readonly cancel: () => void } | undefined

  constructor(clock: Clock, wake: () => void) {
    this.#clock = clock
    this.#wake = wake
  }

  /** Wakes at `at`, monotonic milliseconds, unless it does so before. */
  at(at: number): void {
    if (this.#set !== undefined && this.#set.at <= at) return
    this.#set?.cancel()
    const cancel = this.#clock.after(Math.max(0, at - this.#clock.monotonic()), () => {
      this.#set = undefined
      this.#wake()
    })
    this.#set = { at, cancel }
  }

  cancel(): void {
    this.#set?.cancel()
  }
}
