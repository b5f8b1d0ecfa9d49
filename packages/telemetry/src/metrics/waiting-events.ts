import type { BatchEvent, CutEvent, FlushEvent, PassEndedEvent, RuntimeEvent } from '@millrace/core'

/** Events that wait, at most: of some 16 passes, and no more than an OpenTelemetry meter is told at once of one histogram. */
const MAX_WAITING = 100

/** What comes with each batch, and is only counted. */
export type FrequentEvent = BatchEvent | CutEvent | FlushEvent | PassEndedEvent

/** Told an event, and when it happened, in milliseconds since the epoch. */
export type Counting = (event: RuntimeEvent, at: number) => void

/** Events that are counted when somebody reads, or when there are many: nothing but keeping them is done between two batches. */
export class WaitingEvents {
  readonly #count: Counting
  #events: FrequentEvent[] = []
  /** When passes ended, in their order. */
  #ended: number[] = []

  constructor(count: Counting) {
    this.#count = count
  }

  add(event: FrequentEvent): void {
    if (event.type === 'pass-ended') this.#ended.push(Date.now())
    if (this.#events.push(event) >= MAX_WAITING) this.settle()
  }

  /** All that wait are counted: before what was counted is read, and before an event that does not wait. */
  readonly settle = (): void => {
    if (this.#events.length === 0) return
    const [events, ended] = [this.#events, this.#ended]
    this.#events = []
    this.#ended = []
    let passes = 0
    for (const event of events) this.#count(event, event.type === 'pass-ended' ? (ended[passes++] as number) : 0)
  }
}
