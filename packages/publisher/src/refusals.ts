import type { Logger } from '@millrace/core'
import { PublishError } from './publish-error.ts'

/** Events that were not taken, told to the logger: of a full buffer once, until there is room again. */
export class Refusals {
  readonly #logger: Logger
  #saidFull = false

  constructor(logger: Logger) {
    this.#logger = logger
  }

  add(type: string, error: Error): void {
    const isFull = error instanceof PublishError && error.code === 'BUFFER_FULL'
    if (isFull && this.#saidFull) return
    this.#saidFull ||= isFull
    this.#logger.warn(
      { type, err: error },
      isFull ? 'the buffer is full: events are rejected until there is room' : 'an event was not taken',
    )
  }

  /** An event was taken. */
  hadRoom(): void {
    this.#saidFull = false
  }
}
