/** Calls under way. The library crashes when a client is disconnected beneath one, so that closing waits for them. */
export class UnderWay {
  readonly #calls = new Set<Promise<unknown>>()

  track<T>(call: Promise<T>): Promise<T> {
    const ended: Promise<unknown> = call
      .catch(() => undefined)
      .finally(() => {
        this.#calls.delete(ended)
      })
    this.#calls.add(ended)
    return call
  }

  /** Resolves when none is left. */
  async ended(): Promise<void> {
    while (this.#calls.size > 0) await Promise.all(this.#calls)
  }
}
