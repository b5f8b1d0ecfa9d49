import type { PublishError } from './publish-error.ts'
import type { UnsentEvent } from './publisher.ts'

/** What could not be sent since the publisher began to close: what closing answers with, in the order in which it was given up. */
export class UnsentEvents {
  readonly #events: UnsentEvent[] = []

  get all(): readonly UnsentEvent[] {
    return this.#events
  }

  add({ id, type, topic }: Pick<UnsentEvent, 'id' | 'type' | 'topic'>, { outcome, kept }: Pick<PublishError, 'outcome' | 'kept'>): void {
    this.#events.push({ id, type, topic, outcome, kept })
  }
}
