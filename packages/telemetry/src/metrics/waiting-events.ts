import type { BatchEvent, CutEvent, FlushEvent, PassEndedEvent, RuntimeEvent } from '@millrace/core'

/** Events that wait, at most: of some 16 passes, and no more than an OpenTelemetry meter is told at once of one histogram. */
const MAX_WAITING = 100

/** What comes with each batch, and is only counted. */
export type FrequentEvent = BatchEvent | CutEvent | FlushEvent | PassEndedEvent

/** Told an event, and when it happened, in milliseconds since the epoch. */
export type Counting = (event: RuntimeEvent, at: number) => void

/** For how long they wait, at most, in milliseconds. */
const MOST_MS = 1_000

export interface WaitingEventsOptions {
  readonly count: Counting
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Calls back once, after so many milliseconds; returns how to cancel it. */
  readonly after: (delayMs: number, callback: () => void) => () => void
}

/**
 * Events that are counted when somebody reads, when there are many, or a little later: nothing but keeping them is done between two batches, whose data would
 * have to make room for it in the processor's caches.
 */
export class WaitingEvents {
  readonly #options: WaitingEventsOptions
  #events: FrequentEvent[] = []
  /** When passes ended, in their order. */
  #ended: number[] = []
  #cancel: (() => void) | undefined

  constructor(options: WaitingEventsOptions) {
    this.#options = options
  }

  add(event: FrequentEvent): void {
    if (event.type === 'pass-ended') this.#ended.push(this.#options.now())
    if (this.#events.push(event) >= MAX_WAITING) this.settle()
    else
      this.#cancel ??= this.#options.after(MOST_MS, () => {
        this.#cancel = undefined
        this.settle()
      })
  }

  /** All that wait are counted: before what was counted is read, and before an event that does not wait. */
  readonly settle = (): void => {
    if (this.#events.length === 0) return
    const [events, ended] = [this.#events, this.#ended]
    this.#events = []
    this.#ended = []
    const { count } = this.#options
    let passes = 0
    for (const event of events) count(event, event.type === 'pass-ended' ? (ended[passes++] as number) : 0)
  }

  /** Counts what waits, and no more is left to be counted later. */
  close(): void {
    this.settle()
    this.#cancel?.()
    this.#cancel = undefined
  }
}
