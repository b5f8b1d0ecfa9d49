import { partitionKey, type TopicPartition } from '@millrace/core'
import type { RawConsumer, RawTopicPartition } from './raw-api.ts'

/** Pauses. The library keeps that of a partition which is given up, and would read nothing of it when it is assigned again. */
export class PausedPartitions {
  readonly #consumer: RawConsumer
  readonly #paused = new Set<string>()

  constructor(consumer: RawConsumer) {
    this.#consumer = consumer
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#paused.add(partitionKey(topic, partition))
    this.#consumer.pause(partitions)
  }

  resume(partitions: readonly RawTopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#paused.delete(partitionKey(topic, partition))
    this.#consumer.resume(partitions)
  }

  /** These are about to be assigned, and to be read. */
  forget(partitions: readonly RawTopicPartition[]): void {
    const stuck = partitions.filter(({ topic, partition }) => this.#paused.has(partitionKey(topic, partition)))
    if (stuck.length > 0) this.resume(stuck)
  }
}
