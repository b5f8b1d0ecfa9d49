import { setTimeout as pause } from 'node:timers/promises'
import { ClientError } from '../client/client-error.ts'
import { closed } from '../errors/kafka-error.ts'
import type { Callback } from './raw-api.ts'
import type { UnderWay } from './under-way.ts'

/** How long one may take: closing waits for it, with brokers that are away as well. */
const QUESTION_MS = 5_000
/** Between an answer that came at once, and may be another soon, and the next try. */
const RETRY_MS = 100

/** Questions that only inform: short ones, asked again until they have taken as long as a request may. Closing waits for the one under way. */
export class Questions {
  readonly #underWay: UnderWay
  readonly #requestTimeoutMs: number
  /** The limit for one. */
  readonly timeoutMs: number
  #ended = false

  constructor(underWay: UnderWay, requestTimeoutMs: number) {
    this.#underWay = underWay
    this.#requestTimeoutMs = requestTimeoutMs
    this.timeoutMs = Math.min(QUESTION_MS, requestTimeoutMs)
  }

  get ended(): boolean {
    return this.#ended
  }

  /** From now on none is asked, nor asked again. */
  end(): void {
    this.#ended = true
  }

  ask<T = unknown>(what: string, timeoutMs: number, call: (callback: Callback<T>) => void): Promise<T> {
    return this.#ended ? Promise.reject(closed('source', 'Kafka client')) : this.#underWay.ask(what, timeoutMs, call)
  }

  async patiently<T>(question: () => Promise<T>): Promise<T> {
    const until = performance.now() + this.#requestTimeoutMs
    for (;;) {
      try {
        return await question()
      } catch (error) {
        if (!mayPass(error) || performance.now() >= until) throw error
        if (error.kind === 'transient') await pause(RETRY_MS)
      }
    }
  }
}

function mayPass(error: unknown): error is ClientError {
  return error instanceof ClientError && (error.kind === 'timed-out' || error.kind === 'no-answer' || error.kind === 'transient')
}
