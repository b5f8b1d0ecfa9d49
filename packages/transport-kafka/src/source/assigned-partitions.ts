import { partitionKey, type TopicPartition } from '@millrace/core'
import type { RawMessage } from '../client/raw-client.ts'

interface Assigned extends TopicPartition {
  /** Paused by who reads. */
  paused: boolean
  /** Offsets below are left-overs from before a seek. */
  from: number
}

/** What is assigned, what is paused, and which messages are still wanted. */
export class AssignedPartitions {
  readonly #all = new Map<string, Assigned>()

  add({ topic, partition, offset }: TopicPartition & { readonly offset: number }, paused: boolean): void {
    this.#all.set(partitionKey(topic, partition), { topic, partition, paused, from: offset })
  }

  remove(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#all.delete(partitionKey(topic, partition))
  }

  clear(): void {
    this.#all.clear()
  }

  get size(): number {
    return this.#all.size
  }

  list(): TopicPartition[] {
    return Array.from(this.#all.values(), ({ topic, partition }) => ({ topic, partition }))
  }

  /** Those of `partitions` that are assigned. */
  known(partitions: readonly TopicPartition[]): TopicPartition[] {
    return partitions
      .filter(({ topic, partition }) => this.#all.has(partitionKey(topic, partition)))
      .map(({ topic, partition }) => ({ topic, partition }))
  }

  setPaused(partitions: readonly TopicPartition[], paused: boolean): void {
    for (const { topic, partition } of partitions) {
      const assigned = this.#all.get(partitionKey(topic, partition))
      if (assigned !== undefined) assigned.paused = paused
    }
  }

  isPaused({ topic, partition }: TopicPartition): boolean {
    return this.#all.get(partitionKey(topic, partition))?.paused === true
  }

  notPaused(): TopicPartition[] {
    return this.list().filter((one) => !this.isPaused(one))
  }

  startFrom({ topic, partition }: TopicPartition, offset: number): void {
    const assigned = this.#all.get(partitionKey(topic, partition))
    if (assigned !== undefined) assigned.from = offset
  }

  /** Whether a message may be handed out: its partition is assigned and it is no left-over. */
  wants({ topic, partition, offset }: Pick<RawMessage, 'topic' | 'partition' | 'offset'>): boolean {
    const assigned = this.#all.get(partitionKey(topic, partition))
    return assigned !== undefined && offset >= assigned.from
  }
}
