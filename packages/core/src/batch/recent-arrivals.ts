/** So many spans are remembered in which something arrived. */
const SPANS = 10

/**
 * The most that arrived within a span of late. A span begins when something arrives, and not when a batch is done: records come by polls, so that
 * between two batches there may be many or none, whatever their rate is, and a time in which nothing came must not thin out what comes after it.
 */
export class RecentArrivals {
  readonly #spanMs: number
  /** Of whole spans, the newest last. */
  readonly #counts: number[] = []
  #begunAt: number | undefined
  #count = 0

  constructor(spanMs: number) {
    this.#spanMs = spanMs
  }

  /** `now`: milliseconds since the epoch, of a clock that may be set back. */
  add(records: number, now: number): void {
    const elapsedMs = now - (this.#begunAt ?? now)
    if (elapsedMs < 0 || elapsedMs >= this.#spanMs) {
      this.#counts.push(this.#count)
      if (this.#counts.length > SPANS) this.#counts.shift()
      this.#begunAt = undefined
      this.#count = 0
    }
    this.#begunAt ??= now
    this.#count += records
  }

  /** Records a millisecond; undefined before the first span is over. */
  get perMs(): number | undefined {
    if (this.#counts.length === 0) return undefined
    return Math.max(this.#count, ...this.#counts) / this.#spanMs
  }
}
