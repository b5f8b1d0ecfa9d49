import type { Logger } from '@millrace/core'
import type { PendingEvent } from '../pending-event.ts'
import type { PublishError } from '../publish-error.ts'
import { Outbox } from './outbox.ts'
import type { OutboxOptions } from './outbox-options.ts'
import type { FoundEvent } from './stored-event.ts'

/** What the outbox is told by the publisher, which can't tell it anything before it is open. */
export class KeptEvents {
  /** Resolves when it is known whether there is an outbox. */
  readonly opened: Promise<void>
  #outbox: Outbox | undefined
  #failure: PublishError | undefined
  opening = true

  /** `opened` is called once: with what an earlier publisher has left, or why there is no outbox. */
  constructor(options: OutboxOptions, logger: Logger, opened: (found: readonly PendingEvent[], failure?: PublishError) => void) {
    this.opened = Outbox.open(options, logger).then(
      ({ outbox, found }) => {
        this.#outbox = outbox
        this.opening = false
        opened(found.map(pendingOf))
      },
      (error: unknown) => {
        this.#failure = error as PublishError
        this.opening = false
        logger.error({ err: error }, 'the outbox is not to be had: nothing is published')
        opened([], this.#failure)
      },
    )
  }

  /** Throws if there is no outbox, or it can't be written any more: what can't be kept is not taken. */
  check(): void {
    const failure = this.#failure ?? this.#outbox?.failure
    if (failure !== undefined) throw failure
  }

  /** In the order in which they were published, whether there is room for them in memory or not; once it is open. */
  keep(event: PendingEvent): void {
    event.stored = this.#outbox?.keep(event)
  }

  forget({ stored }: PendingEvent): void {
    if (stored !== undefined) this.#outbox?.forget(stored)
  }

  async written(): Promise<void> {
    await this.opened
    this.check()
    await this.#outbox?.written()
  }

  async close(): Promise<void> {
    await this.opened
    await this.#outbox?.close()
  }
}

function pendingOf(found: FoundEvent): PendingEvent {
  return { ...found, kept: true, sequence: 0, epoch: 0, arrivedAt: 0, state: 'new', answer: undefined }
}
