import type { PackedError } from '../errors/packed-error.ts'
import { backoffMs } from './backoff.ts'
import type { Cluster } from './cluster.ts'

export interface LeaderSearchOptions {
  /** Whose leaders are looked for. */
  readonly partitions: ReadonlyMap<string, { readonly topic: string; readonly partition: number }>
  /** The cluster lets nobody in: asking again is no use. */
  readonly onRefused: (error: PackedError) => void
  /** It was asked, whatever came of it; after a failure not before some time is over. */
  readonly onDone: () => void
}

/** Asks the cluster who leads by now, one question at a time, with back-off while questions fail or leave partitions without a leader. */
export class LeaderSearch {
  readonly #cluster: Cluster
  readonly #options: LeaderSearchOptions
  #isUnderWay = false
  #failures = 0

  constructor(cluster: Cluster, options: LeaderSearchOptions) {
    this.#cluster = cluster
    this.#options = options
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

  /** Never rejects. */
  async #ask(): Promise<void> {
    try {
      await this.#cluster.refresh()
      this.#failures = this.#hasLeaderless() ? this.#failures + 1 : 0
    } catch (error) {
      this.#failures++
      if ((error as PackedError).kind === 'authentication') this.#options.onRefused(error as PackedError)
    }
    if (this.#failures > 0) await this.#cluster.delay(backoffMs(this.#failures))
    this.#isUnderWay = false
    this.#options.onDone()
  }

  #hasLeaderless(): boolean {
    for (const { topic, partition } of this.#options.partitions.values()) {
      if (this.#cluster.metadata.leadership(topic, partition) === undefined) return true
    }
    return false
  }
}
