import type { Clock } from '@millrace/core'

/** Two times that are no further apart are one. */
const SAME_MS = 0.1

/** When to look whether a flush is due. */
export class FlushTimer {
  readonly #clock: Clock
  readonly #look: (notBefore?: number) => void
  #soon = false
  #expectsFlush = false
  #at = Infinity
  #cancel: () => void = () => undefined

  /** `look` is told what time it is at least: timers may be up to a millisecond early, and what is due then is not to wait for another. */
  constructor(clock: Clock, look: (notBefore?: number) => void) {
    this.#clock = clock
    this.#look = look
  }

  /** Whether it will look by itself whether a flush is due, not only for what has waited too long. */
  get expectsFlush(): boolean {
    return this.#soon || this.#expectsFlush
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

  /** When the first of both is due, and not when it was said before. */
  again({ flushMs, expiryMs }: { readonly flushMs: number; readonly expiryMs: number }, now: number): void {
    const waitMs = Math.min(flushMs, expiryMs)
    const at = now + waitMs
    this.#expectsFlush = flushMs < Infinity
    // Of the same moment, said at another, there are small differences: not worth another timer for each event.
    if (at === this.#at || Math.abs(at - this.#at) < SAME_MS) return
    this.#stop()
    if (at === Infinity) return
    this.#at = at
    this.#cancel = this.#clock.after(Math.ceil(waitMs), () => {
      this.#at = Infinity
      this.#look(at)
    })
  }

  cancel(): void {
    this.#expectsFlush = false
    this.#stop()
  }

  #stop(): void {
    this.#cancel()
    this.#cancel = () => undefined
    this.#at = Infinity
  }
}
