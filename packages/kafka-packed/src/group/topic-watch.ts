import type { Cluster } from '../cluster/cluster.ts'
import { CODE } from '../errors/protocol-codes.ts'

export interface TopicWatchEvents {
  readonly onMissing: (topics: readonly string[]) => void
  /** Of some topic there are more partitions than before, or fewer. */
  readonly onChanged: () => void
}

/** Looks at topics that are subscribed, every so often. */
export class TopicWatch {
  readonly #cluster: Cluster
  readonly #everyMs: number
  readonly #events: TopicWatchEvents
  #topics: readonly string[] = []
  #counts: string | undefined
  #isRunning = false
  #isClosed = false

  constructor(cluster: Cluster, everyMs: number, events: TopicWatchEvents) {
    this.#cluster = cluster
    this.#everyMs = everyMs
    this.#events = events
  }

  set topics(topics: readonly string[]) {
    this.#topics = topics
    this.#counts = undefined
    this.#cluster.track(topics)
    if (!this.#isRunning) void this.#run()
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
    const counts = topics.map((topic) => (metadata.codeOf(topic) === CODE.none ? metadata.partitionsOf(topic) : 0)).join(' ')
    const before = this.#counts
    this.#counts = counts
    if (before !== undefined && before !== counts) this.#events.onChanged()
  }
}
