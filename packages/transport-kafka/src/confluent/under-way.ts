import { closed } from '../errors/kafka-error.ts'
import { answered } from './answered.ts'
import type { Callback } from './raw-api.ts'
import { within } from './within.ts'

/** How long a client may take to end what is under way, and to let go of its connections and threads. */
const CLOSE_TIMEOUT_MS = 15_000

/** Calls the library. */
export type Asking = Pick<UnderWay, 'ask'>

/**
 * Calls of a client under way. The library crashes when a client is disconnected beneath one, so that closing waits for them: until the library
 * has answered, not only until whoever called has stopped to wait for it.
 */
export class UnderWay {
  readonly #calls = new Set<Promise<unknown>>()
  #closing = false

  /** Nothing more may be called. */
  get closing(): boolean {
    return this.#closing
  }

  /** Calls the library; see {@link within} for how long that may take. */
  ask<T = unknown>(what: string, timeoutMs: number, call: (callback: Callback<T>) => void): Promise<T> {
    if (this.#closing) return Promise.reject(closed('source', 'Kafka client'))
    return within(what, timeoutMs, this.track(answered(call)))
  }

  track<T>(call: Promise<T>): Promise<T> {
    const ended: Promise<unknown> = call
      .catch(() => undefined)
      .finally(() => {
        this.#calls.delete(ended)
      })
    this.#calls.add(ended)
    return call
  }

  /** Disconnects when none is left. Rejects when that takes long, and happens later then, by itself. */
  close(disconnect: (callback: Callback) => void): Promise<void> {
    this.#closing = true
    return within('disconnect', CLOSE_TIMEOUT_MS, this.#disconnect(disconnect))
  }

  async #disconnect(disconnect: (callback: Callback) => void): Promise<void> {
    while (this.#calls.size > 0) await Promise.all(this.#calls)
    await answered(disconnect)
  }
}
