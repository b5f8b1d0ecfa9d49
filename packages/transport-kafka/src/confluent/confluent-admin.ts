import type { GroupDescription, IsolationLevel, NewTopic, OffsetCommit, TopicPartition, TopicPartitionOffset } from '@millrace/core'
import type { AdminClient, TopicState } from '../client/kafka-client.ts'
import { AdminCalls } from './admin-calls.ts'
import { allEnded } from './all-ended.ts'
import { GroupReaders } from './group-readers.ts'
import { listTopics } from './list-topics.ts'
import type { RawConsumer, RawModule } from './raw-api.ts'
import { UnderWay } from './under-way.ts'

export interface ConfluentAdminParts {
  readonly library: RawModule
  readonly consumer: RawConsumer
  /** Connects a consumer of that group. */
  readonly openGroup: (groupId: string) => Promise<RawConsumer>
  readonly timeoutMs: number
}

/** Administers through the connections of a consumer that never subscribes, since only consumers and producers tell whether they are connected. */
export class ConfluentAdmin implements AdminClient {
  readonly #consumer: RawConsumer
  readonly #calls: AdminCalls
  readonly #groups: GroupReaders
  readonly #timeoutMs: number
  readonly #underWay = new UnderWay()

  constructor({ library, consumer, openGroup, timeoutMs }: ConfluentAdminParts) {
    this.#consumer = consumer
    this.#calls = new AdminCalls({ library, client: consumer, asking: this.#underWay, timeoutMs })
    this.#groups = new GroupReaders(openGroup, timeoutMs)
    this.#timeoutMs = timeoutMs
  }

  createTopic(topic: NewTopic): Promise<void> {
    return this.#calls.createTopic(topic)
  }

  deleteTopic(topic: string): Promise<void> {
    return this.#calls.deleteTopic(topic)
  }

  listTopics(): Promise<readonly string[]> {
    return listTopics(this.#consumer, this.#timeoutMs, this.#underWay)
  }

  describeTopics(topics: readonly string[]): Promise<readonly TopicState[]> {
    return this.#calls.describeTopics(topics)
  }

  listOffsets(
    partitions: readonly TopicPartition[],
    at: 'beginning' | 'end' | number,
    isolation: IsolationLevel,
  ): Promise<readonly TopicPartitionOffset[]> {
    return this.#calls.listOffsets(partitions, at, isolation)
  }

  groupOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<readonly OffsetCommit[]> {
    return this.#groups.committed(groupId, partitions)
  }

  describeGroup(groupId: string): Promise<GroupDescription> {
    return this.#calls.describeGroup(groupId)
  }

  deleteRecords(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    return this.#calls.deleteRecords(offsets)
  }

  async close(): Promise<void> {
    await allEnded([this.#groups.close(), this.#underWay.close((callback) => this.#consumer.disconnect(callback))])
  }
}
