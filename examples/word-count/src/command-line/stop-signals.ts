const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** Turns the first SIGINT or SIGTERM into a request to stop; a second one ends the process as if nobody listened. */
export class StopSignals implements Disposable {
  readonly #requested = new AbortController()

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#onSignal)
  }

  /** Aborted at the first signal. */
  get requested(): AbortSignal {
    return this.#requested.signal
  }

  [Symbol.dispose](): void {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal)
  }

  readonly #onSignal = (): void => {
    this[Symbol.dispose]()
    this.#requested.abort()
  }
}
