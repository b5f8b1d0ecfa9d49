/** When something that ends by itself is started again. Times in milliseconds. */
export interface RestartLimits {
  /** Without having run for {@link HEALTHY_MS} in between. */
  readonly maxRestarts: number
  /** Before the first restart; each further one waits twice as long. */
  readonly firstMs: number
  /** No wait is longer. */
  readonly longestMs: number
}

/** Who ran for so long starts anew with the count of restarts. */
export const HEALTHY_MS = 60_000

/** How often something may yet be started again, and when. */
export class RestartBudget {
  readonly #limits: RestartLimits
  #restarts = 0

  constructor(limits: RestartLimits) {
    this.#limits = limits
  }

  /** Restarts since it last ran for long. */
  get restarts(): number {
    return this.#restarts
  }

  /** It has ended after `ranMs`: how long to wait before it is started again; undefined: it is not. */
  next(ranMs: number): number | undefined {
    if (ranMs >= HEALTHY_MS) this.#restarts = 0
    const { maxRestarts, firstMs, longestMs } = this.#limits
    if (this.#restarts >= maxRestarts) return undefined
    this.#restarts++
    return Math.min(longestMs, firstMs * 2 ** (this.#restarts - 1))
  }
}
