import { type Clock, type Logger, type OffsetCommit, partitionKey, type TopicPartitionOffset, type TransportAdmin } from '@millrace/core'
import { NowAndThen } from '../internal/now-and-then.ts'

export interface RepartitionPurgeOptions {
  /** Names of the repartition topics. */
  readonly topics: ReadonlySet<string>
  readonly intervalMs: number
  readonly admin: TransportAdmin
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Deletes what this process has read and committed of repartition topics, which are kept for ever otherwise. One request at a time, as Kafka Streams
 * does it. That it fails is no harm: what is left is deleted with the next.
 */
export class RepartitionPurge {
  readonly #options: RepartitionPurgeOptions
  /** What is committed and not deleted yet, by partition. */
  readonly #committed = new Map<string, TopicPartitionOffset>()
  readonly #timer: NowAndThen
  #failed = false

  constructor(options: RepartitionPurgeOptions) {
    this.#options = options
    this.#timer = new NowAndThen(options.clock, options.intervalMs, () => this.#purge())
  }

  /** These offsets are committed: nobody reads what is before them again. */
  note(offsets: readonly OffsetCommit[]): void {
    for (const { topic, partition, offset } of offsets) {
      if (this.#options.topics.has(topic) && offset > 0) this.#committed.set(partitionKey(topic, partition), { topic, partition, offset })
    }
  }

  start(): void {
    if (this.#options.topics.size > 0) this.#timer.start()
  }

  /** Resolves when no request is under way any more. */
  stop(): Promise<void> {
    return this.#timer.stop()
  }

  /** Never rejects. */
  async #purge(): Promise<void> {
    const { admin, logger } = this.#options
    const offsets = [...this.#committed.values()]
    if (offsets.length === 0) return
    this.#committed.clear()
    try {
      await admin.deleteRecords(offsets)
      this.#failed = false
    } catch (error) {
      for (const one of offsets) {
        const key = partitionKey(one.topic, one.partition)
        if (!this.#committed.has(key)) this.#committed.set(key, one)
      }
      // Once is enough for who must not delete records at all.
      logger[this.#failed ? 'debug' : 'warn']({ err: error }, 'records of repartition topics that have been processed could not be deleted')
      this.#failed = true
    }
  }
}
