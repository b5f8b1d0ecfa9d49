import type { IsolationLevel, NewTopic, OffsetCommit, TopicPartition, TopicPartitionOffset } from '@millrace/core'
import type { AdminClient, TopicState } from '../client/kafka-client.ts'
import { AdminCalls } from './admin-calls.ts'
import { CLOSE_TIMEOUT_MS } from './close-timeout.ts'
import { listTopics } from './list-topics.ts'
import { promised } from './promised.ts'
import type { RawConsumer, RawModule } from './raw-api.ts'
import { UnderWay } from './under-way.ts'

/** Administers through a consumer that never subscribes: see {@link AdminCalls} for why. */
export class ConfluentAdmin implements AdminClient {
  readonly #consumer: RawConsumer
  readonly #calls: AdminCalls
  readonly #timeoutMs: number
  readonly #underWay = new UnderWay()

  constructor(library: RawModule, consumer: RawConsumer, timeoutMs: number) {
    this.#consumer = consumer
    this.#calls = new AdminCalls(library, consumer, timeoutMs)
    this.#timeoutMs = timeoutMs
  }

  createTopic(topic: NewTopic): Promise<void> {
    return this.#underWay.track(this.#calls.createTopic(topic))
  }

  deleteTopic(topic: string): Promise<void> {
    return this.#underWay.track(this.#calls.deleteTopic(topic))
  }

  listTopics(): Promise<readonly string[]> {
    return this.#underWay.track(listTopics(this.#consumer, this.#timeoutMs))
  }

  describeTopics(topics: readonly string[]): Promise<readonly TopicState[]> {
    return this.#underWay.track(this.#calls.describeTopics(topics))
  }

  listOffsets(
    partitions: readonly TopicPartition[],
    at: 'beginning' | 'end' | number,
    isolation: IsolationLevel,
  ): Promise<readonly TopicPartitionOffset[]> {
    return this.#underWay.track(this.#calls.listOffsets(partitions, at, isolation))
  }

  groupOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<readonly OffsetCommit[]> {
    return this.#underWay.track(this.#calls.groupOffsets(groupId, partitions, false))
  }

  deleteRecords(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    return this.#underWay.track(this.#calls.deleteRecords(offsets))
  }

  async close(): Promise<void> {
    await this.#underWay.ended()
    await promised('disconnect', CLOSE_TIMEOUT_MS, (callback) => this.#consumer.disconnect(callback))
  }
}
