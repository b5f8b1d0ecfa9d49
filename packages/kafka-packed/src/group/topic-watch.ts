import type { Cluster } from '../cluster/cluster.ts'
import { CODE } from '../errors/protocol-codes.ts'
import { partitionCount } from './partition-counts.ts'

export interface TopicWatchEvents {
  readonly onMissing: (topics: readonly string[]) => void
  /** Of some topic there are more partitions than {@link TopicWatch.expected}, or fewer. */
  readonly onChanged: () => void
}

/** Looks every so often at topics that are subscribed, and at those that this member shares out among the group. */
export class TopicWatch {
  readonly #cluster: Cluster
  readonly #everyMs: number
  readonly #events: TopicWatchEvents
  #topics: readonly string[] = []
  #expected: ReadonlyMap<string, number> = new Map()
  #isRunning = false
  #isClosed = false

  constructor(cluster: Cluster, everyMs: number, events: TopicWatchEvents) {
    this.#cluster = cluster
    this.#everyMs = everyMs
    this.#events = events
  }

  set topics(topics: readonly string[]) {
    this.#topics = topics
    this.#cluster.track(topics)
    if (!this.#isRunning) void this.#run()
  }

  /** Partitions by topic, as they were shared out; empty: by another. */
  set expected(counts: ReadonlyMap<string, number>) {
    this.#expected = counts
    this.#cluster.track(counts.keys())
  }

  close(): void {
    this.#isClosed = true
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    this.#isRunning = true
    while (!this.#isClosed) {
      await this.#look()
      await this.#cluster.delay(this.#everyMs)
    }
  }

  async #look(): Promise<void> {
    const topics = this.#topics
    try {
      await this.#cluster.refresh()
    } catch {
      // What keeps the cluster from answering is told by what is asked for more than to know.
      return
    }
    if (topics !== this.#topics || this.#isClosed) return
    const { metadata } = this.#cluster
    const missing = topics.filter((topic) => metadata.codeOf(topic) === CODE.unknownTopic)
    if (missing.length > 0) this.#events.onMissing(missing)
    const isOther = ([topic, count]: [string, number]): boolean => (partitionCount(metadata, topic) ?? count) !== count
    if (![...this.#expected].some(isOther)) return
    // Once: what comes of it says what to expect.
    this.#expected = new Map()
    this.#events.onChanged()
  }
}
