/** What is known of a topic that events are sent to. */
interface Lane {
  /** A flight of it is on its way: the next has to wait, for the order. */
  busy: boolean
  degraded: boolean
  /** Batches in a row that went wrong, or single events in a row that were written. */
  row: number
}

export interface TopicLanesOptions {
  readonly afterBatches: number
  readonly recoverAfter: number
  /** A topic gets single events from now on, or batches again. */
  readonly onDegraded: (topic: string, degraded: boolean) => void
}

/** One flight at a time for each topic; single events where batches keep failing. */
export class TopicLanes {
  readonly #options: TopicLanesOptions
  readonly #lanes = new Map<string, Lane>()

  constructor(options: TopicLanesOptions) {
    this.#options = options
  }

  get degraded(): string[] {
    return [...this.#lanes].flatMap(([topic, { degraded }]) => (degraded ? [topic] : []))
  }

  /** How many events may go now. */
  room(topic: string): number {
    const lane = this.#lanes.get(topic)
    if (lane === undefined) return Infinity
    return lane.busy ? 0 : lane.degraded ? 1 : Infinity
  }

  begin(topic: string): void {
    const lane = this.#lanes.get(topic)
    if (lane === undefined) this.#lanes.set(topic, { busy: true, degraded: false, row: 0 })
    else lane.busy = true
  }

  /** `good`: the whole batch was written; undefined: that says nothing of batches. */
  end(topic: string, good: boolean | undefined): void {
    const lane = this.#lanes.get(topic) as Lane
    lane.busy = false
    if (good === undefined) return
    lane.row = good === lane.degraded ? lane.row + 1 : 0
    const { afterBatches, recoverAfter, onDegraded } = this.#options
    if (lane.row < (lane.degraded ? recoverAfter : afterBatches)) return
    lane.degraded = !lane.degraded
    lane.row = 0
    onDegraded(topic, lane.degraded)
  }
}
