/** A condition that waiters sleep on: each `notify` wakes whoever waits at that moment, or the next one to wait. */
export class Wakeup {
  #wake: (() => void) | undefined
  #pending = false

  notify(): void {
    const wake = this.#wake
    if (wake === undefined) this.#pending = true
    else {
      this.#wake = undefined
      wake()
    }
  }

  /** Whether somebody sleeps, and nothing has woken him. */
  get sleeping(): boolean {
    return this.#wake !== undefined
  }

  /** Resolves at the next `notify` (at once if one came since the last wait). One waiter at a time. */
  wait(): Promise<void> {
    if (this.#pending) {
      this.#pending = false
      return Promise.resolve()
    }
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}
