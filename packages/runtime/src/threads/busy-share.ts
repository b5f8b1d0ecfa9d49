/** A share is of at least so long, in milliseconds, and of up to twice as long where somebody looks often. */
const WINDOW_MS = 5_000

/** For how long a loop was idle, and active, since it began, in milliseconds. */
export interface LoopTimes {
  readonly idle: number
  readonly active: number
}

/** How busy an event loop is. Whoever looks, and however often, takes nothing from who looks next. */
export class BusyShare {
  readonly #read: () => LoopTimes
  /** Where the share begins, and where the next one will. */
  #from: LoopTimes
  #mark: LoopTimes

  constructor(read: () => LoopTimes) {
    this.#read = read
    this.#from = read()
    this.#mark = this.#from
  }

  /** From 0 to 1; 0 while nothing was measured. */
  look(): number {
    const now = this.#read()
    if (lasted(this.#mark, now) >= WINDOW_MS) {
      this.#from = this.#mark
      this.#mark = now
    }
    const all = lasted(this.#from, now)
    return all <= 0 ? 0 : Math.min(1, Math.max(0, (now.active - this.#from.active) / all))
  }
}

function lasted(from: LoopTimes, to: LoopTimes): number {
  return to.idle + to.active - from.idle - from.active
}
