import type { Clock } from '@millrace/core'

/** When to look whether a flush is due. */
export class FlushTimer {
  readonly #clock: Clock
  readonly #look: () => void
  #soon = false
  #at = Infinity
  #cancel: () => void = () => undefined

  constructor(clock: Clock, look: () => void) {
    this.#clock = clock
    this.#look = look
  }

  /** Whether it will look by itself. */
  get isSet(): boolean {
    return this.#soon || this.#at < Infinity
  }

  /** When whoever publishes at the moment has done so. */
  soon(): void {
    if (this.#soon) return
    this.#soon = true
    queueMicrotask(() => {
      this.#soon = false
      this.#look()
    })
  }

  /** In `waitMs`, and not when it was said before. */
  again(waitMs: number, now: number): void {
    const at = now + waitMs
    if (at === this.#at) return
    this.cancel()
    if (at === Infinity) return
    this.#at = at
    this.#cancel = this.#clock.after(Math.ceil(waitMs), () => {
      this.#at = Infinity
      this.#look()
    })
  }

  cancel(): void {
    this.#cancel()
    this.#cancel = () => undefined
    this.#at = Infinity
  }
}
