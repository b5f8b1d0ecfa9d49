import { partitionKey, type PollResult, type TopicPartition, type TopicPartitionOffset } from '@millrace/core'
import type { RawMessage } from '../client/raw-client.ts'
import type { AssignedPartitions } from './assigned-partitions.ts'
import { wireBatches } from './wire-batches.ts'

/** What was read and not handed out yet: messages, and the ends of partitions. */
export class ReadAhead {
  readonly #assigned: AssignedPartitions
  readonly #endOffset: (topic: string, partition: number) => number | undefined
  #messages: RawMessage[] = []
  readonly #ends = new Map<string, TopicPartitionOffset>()

  constructor(assigned: AssignedPartitions, endOffset: (topic: string, partition: number) => number | undefined) {
    this.#assigned = assigned
    this.#endOffset = endOffset
  }

  /** Messages waiting. */
  get length(): number {
    return this.#messages.length
  }

  /** Messages of partitions that were taken away, or from before a seek, may still arrive: they are dropped here. */
  keep(messages: readonly RawMessage[]): void {
    for (const message of messages) if (this.#assigned.wants(message)) this.#messages.push(message)
  }

  keepEnd(end: TopicPartitionOffset): void {
    if (this.#assigned.wants(end)) this.#ends.set(partitionKey(end.topic, end.partition), end)
  }

  /** Hands out all but what belongs to paused partitions. An end is told with or after the records before it. */
  take(): PollResult {
    const wanted: RawMessage[] = []
    const kept: RawMessage[] = []
    for (const message of this.#messages) {
      if (!this.#assigned.wants(message)) continue
      if (this.#assigned.isPaused(message)) kept.push(message)
      else wanted.push(message)
    }
    this.#messages = kept
    const ends: TopicPartitionOffset[] = []
    for (const [key, end] of this.#ends) {
      if (!this.#assigned.wants(end) || this.#assigned.isPaused(end)) continue
      ends.push(end)
      this.#ends.delete(key)
    }
    return { batches: wanted.length === 0 ? [] : wireBatches(wanted, this.#endOffset), ends }
  }

  drop(partitions: readonly TopicPartition[]): void {
    const gone = new Set(partitions.map(({ topic, partition }) => partitionKey(topic, partition)))
    this.#messages = this.#messages.filter(({ topic, partition }) => !gone.has(partitionKey(topic, partition)))
    for (const key of gone) this.#ends.delete(key)
  }

  clear(): void {
    this.#messages = []
    this.#ends.clear()
  }
}
