/** More flights of one topic at once gain nothing: so many requests to a broker clients have on their way. */
const MAX_FLIGHTS = 5
/** Milliseconds after which a flight is slow. Before, what comes next does better to gather until it has landed. */
const SLOW_MS = 10

/** What is known of a topic that events are sent to. */
interface Lane {
  /** On their way. */
  flights: number
  /** Of them, those that wait to be sent again or are taken apart: then nothing else of the topic goes. */
  inTrouble: number
  /** When the last of them began. */
  beganAt: number
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

/** The flights of each topic: another one while those before are slow, as long as all goes well; single events, one by one, where batches keep failing. */
export class TopicLanes {
  readonly #options: TopicLanesOptions
  readonly #lanes = new Map<string, Lane>()

  constructor(options: TopicLanesOptions) {
    this.#options = options
  }

  get degraded(): string[] {
    return [...this.#lanes].flatMap(([topic, { degraded }]) => (degraded ? [topic] : []))
  }

  /** How many events may go now. `isWell`: nothing is known against the topic. */
  room(topic: string, now: number, isWell: boolean): number {
    const lane = this.#lanes.get(topic)
    if (lane === undefined) return Infinity
    if (lane.flights === 0) return lane.degraded ? 1 : Infinity
    return isWell && mayOverlap(lane) && now >= lane.beganAt + SLOW_MS ? Infinity : 0
  }

  /** In how many milliseconds another flight may begin though none has landed; Infinity: not before. */
  overlapMs(now: number): number {
    let soonest = Infinity
    for (const lane of this.#lanes.values())
      if (lane.flights > 0 && mayOverlap(lane) && lane.beganAt + SLOW_MS > now) soonest = Math.min(soonest, lane.beganAt + SLOW_MS - now)
    return soonest
  }

  begin(topic: string, now: number): void {
    let lane = this.#lanes.get(topic)
    if (lane === undefined) {
      lane = { flights: 0, inTrouble: 0, beganAt: 0, degraded: false, row: 0 }
      this.#lanes.set(topic, lane)
    }
    lane.flights++
    lane.beganAt = now
  }

  /** A flight waits to be sent again, or is taken apart. To be told once. */
  inTrouble(topic: string): void {
    ;(this.#lanes.get(topic) as Lane).inTrouble++
  }

  /** `good`: the whole batch was written; undefined: that says nothing of batches. */
  end(topic: string, { good, inTrouble }: { readonly good: boolean | undefined; readonly inTrouble: boolean }): void {
    const lane = this.#lanes.get(topic) as Lane
    lane.flights--
    if (inTrouble) lane.inTrouble--
    if (good === undefined) return
    lane.row = good === lane.degraded ? lane.row + 1 : 0
    const { afterBatches, recoverAfter, onDegraded } = this.#options
    if (lane.row < (lane.degraded ? recoverAfter : afterBatches)) return
    lane.degraded = !lane.degraded
    lane.row = 0
    onDegraded(topic, lane.degraded)
  }
}

function mayOverlap({ flights, inTrouble, degraded }: Lane): boolean {
  return flights < MAX_FLIGHTS && inTrouble === 0 && !degraded
}
