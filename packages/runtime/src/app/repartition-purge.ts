import { type Clock, type Logger, type OffsetCommit, partitionKey, type TopicPartitionOffset, type TransportAdmin } from '@millrace/core'

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
  #cancel: () => void = () => undefined
  #underWay: Promise<void> | undefined
  #failed = false

  constructor(options: RepartitionPurgeOptions) {
    this.#options = options
  }

  /** These offsets are committed: nobody reads what is before them again. */
  note(offsets: readonly OffsetCommit[]): void {
    for (const { topic, partition, offset } of offsets) {
      if (this.#options.topics.has(topic) && offset > 0) this.#committed.set(partitionKey(topic, partition), { topic, partition, offset })
    }
  }

  start(): void {
    const { topics, clock, intervalMs } = this.#options
    if (topics.size === 0) return
    this.#cancel = clock.after(intervalMs, () => {
      this.#underWay ??= this.#purge().finally(() => {
        this.#underWay = undefined
      })
      this.start()
    })
  }

  /** Resolves when no request is under way any more. */
  async stop(): Promise<void> {
    this.#cancel()
    await this.#underWay
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
