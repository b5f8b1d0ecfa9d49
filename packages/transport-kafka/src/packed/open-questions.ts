import { settledWithin, systemClock } from '@millrace/core'

/** How long closing waits for answers, in milliseconds: brokers may be away. */
const PATIENCE_MS = 5_000

/** Questions that were asked before their client is closed, and are answered all the same. */
export class OpenQuestions {
  readonly #asked = new Set<Promise<unknown>>()

  /** Settles as `question` does. */
  async ask<T>(question: Promise<T>): Promise<T> {
    this.#asked.add(question)
    try {
      return await question
    } finally {
      this.#asked.delete(question)
    }
  }

  /** Resolves when all are answered, or can't be for some time. */
  async ended(): Promise<void> {
    if (this.#asked.size > 0) await settledWithin(Promise.allSettled(this.#asked), PATIENCE_MS, systemClock)
  }
}
