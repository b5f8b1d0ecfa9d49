import type { Clock } from '@millrace/core'
import type { PackedError } from '../errors/packed-error.ts'
import { backoffMs } from './backoff.ts'
import type { Cluster } from './cluster.ts'
import { WakeTimer } from './wake-timer.ts'

/** Answers in a row that can't be read before that is told: one may have been damaged on its way. */
const MALFORMED_ANSWERS = 3

export interface LeaderSearchOptions {
  /** Whose leaders are looked for. */
  readonly partitions: ReadonlyMap<string, { readonly topic: string; readonly partition: number }>
  readonly clock: Clock
  /** The cluster lets nobody in, or can't be understood: asking again is no use. */
  readonly onRefused: (error: PackedError) => void
  /** It was asked, whatever came of it; after a failure not before some time is over. */
  readonly onDone: () => void
}

/** Asks the cluster who leads by now, one question at a time, with back-off while questions fail. */
export class LeaderSearch {
  readonly #cluster: Cluster
  readonly #options: LeaderSearchOptions
  readonly #timer: WakeTimer
  #isUnderWay = false
  #failures = 0
  #malformed = 0
  /** How often in a row a partition was left without a leader, and when that is asked for again, on the monotonic clock. */
  #leaderless = 0
  #leaderlessAgain = -Infinity

  constructor(cluster: Cluster, options: LeaderSearchOptions) {
    this.#cluster = cluster
    this.#options = options
    this.#timer = new WakeTimer(options.clock, () => this.begin())
  }

  get isUnderWay(): boolean {
    return this.#isUnderWay
  }

  /** Nothing happens while a question is under way. */
  begin(): void {
    if (this.#isUnderWay) return
    this.#isUnderWay = true
    void this.#ask()
  }

  /** For partitions that have none: later each time, which holds up no other's search. */
  beginForLeaderless(): void {
    if (this.#leaderlessAgain <= this.#options.clock.monotonic()) this.begin()
    else this.#timer.at(this.#leaderlessAgain)
  }

  close(): void {
    this.#timer.cancel()
  }

  /** Never rejects. */
  async #ask(): Promise<void> {
    try {
      await this.#cluster.refresh()
      this.#failures = this.#malformed = 0
      this.#leaderless = this.#hasLeaderless() ? this.#leaderless + 1 : 0
      if (this.#leaderless > 0) this.#leaderlessAgain = this.#options.clock.monotonic() + backoffMs(this.#leaderless)
    } catch (error) {
      await this.#failed(error as PackedError)
    }
    this.#isUnderWay = false
    this.#options.onDone()
  }

  async #failed(error: PackedError): Promise<void> {
    this.#failures++
    this.#malformed = error.kind === 'malformed' ? this.#malformed + 1 : 0
    const isRefused = error.kind === 'authentication' || error.kind === 'unsupported' || this.#malformed >= MALFORMED_ANSWERS
    if (isRefused) this.#options.onRefused(error)
    await this.#cluster.delay(backoffMs(this.#failures))
  }

  #hasLeaderless(): boolean {
    for (const { topic, partition } of this.#options.partitions.values()) {
      if (this.#cluster.metadata.leaderOf(topic, partition) === undefined) return true
    }
    return false
  }
}
