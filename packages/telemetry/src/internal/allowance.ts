/** So many a second, and as many at once that were not taken in the last second or, given `burst`, longer. */
export class Allowance {
  readonly #perSecond: number
  readonly #most: number
  readonly #now: () => number
  #left: number
  #at: number

  /** `now`: monotonic milliseconds. `burst`: seconds' worth that may be taken at once. */
  constructor(perSecond: number, now: () => number, burst = 1) {
    this.#perSecond = perSecond
    this.#most = perSecond === 0 ? 0 : Math.max(1, burst * perSecond)
    this.#now = now
    this.#left = this.#most
    this.#at = now()
  }

  /** Whether one more is allowed now. */
  take(): boolean {
    if (this.#perSecond === Infinity) return true
    const now = this.#now()
    this.#left = Math.min(this.#most, this.#left + ((now - this.#at) / 1_000) * this.#perSecond)
    this.#at = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
