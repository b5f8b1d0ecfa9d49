import type { Clock, Logger } from '@millrace/core'
import { PublishError } from './publish-error.ts'

/** Between two lines that say of the same type that the buffer is full: at its edge it is full and is not many times a second. */
const FULL_EVERY_MS = 10_000

/** Events that were not taken, told to the logger. */
export class Refusals {
  readonly #logger: Logger
  readonly #clock: Clock
  /** When it was said last that there was no room for a type, by the clock that only goes forwards. */
  readonly #fullSaidAt = new Map<string, number>()

  constructor({ logger, clock }: { readonly logger: Logger; readonly clock: Clock }) {
    this.#logger = logger
    this.#clock = clock
  }

  add(type: string, error: Error): void {
    const isFull = error instanceof PublishError && error.code === 'BUFFER_FULL'
    if (isFull && !this.#isTime(type)) return
    this.#logger.warn(
      { type, err: error },
      isFull ? 'the buffer is full: events are rejected until there is room' : 'an event was not taken',
    )
  }

  #isTime(type: string): boolean {
    const now = this.#clock.monotonic()
    if (now - (this.#fullSaidAt.get(type) ?? -Infinity) < FULL_EVERY_MS) return false
    this.#fullSaidAt.set(type, now)
    return true
  }
}
