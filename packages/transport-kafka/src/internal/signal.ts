/** One waiter that can be woken; a wake-up while nobody waits is forgotten, so check the condition right before waiting. */
export class Signal {
  #wake: (() => void) | undefined

  wake(): void {
    this.#wake?.()
  }

  /** Resolves at the next {@link wake}, or after `ms`. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        this.#wake = undefined
        resolve()
      }
      const timer = setTimeout(wake, ms)
      this.#wake = wake
    })
  }
}
