import type { Clock } from '@millrace/core'

/** One waiter that can be woken; a wake-up while nobody waits is forgotten, so check the condition right before waiting. */
export class Signal {
  #wake: (() => void) | undefined

  wake(): void {
    this.#wake?.()
  }

  /** Resolves at the next {@link wake}, or after `limit.ms` if a limit is given. */
  wait(limit?: { readonly clock: Clock; readonly ms: number }): Promise<void> {
    return new Promise((resolve) => {
      let cancel: (() => void) | undefined
      this.#wake = () => {
        this.#wake = undefined
        cancel?.()
        resolve()
      }
      if (limit !== undefined) cancel = limit.clock.after(limit.ms, this.#wake)
    })
  }
}
