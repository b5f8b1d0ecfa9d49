import type { GroupDescription, IsolationLevel, NewTopic, OffsetCommit, TopicPartition, TopicPartitionOffset } from '@millrace/core'
import type { PackedAdmin } from '@millrace/kafka-packed'
import type { AdminClient, TopicState } from '../client/kafka-client.ts'
import { translated } from './to-client-error.ts'

/** Administers through the packed client. */
export class PackedAdminClient implements AdminClient {
  readonly #admin: PackedAdmin

  constructor(admin: PackedAdmin) {
    this.#admin = admin
  }

  createTopic(topic: NewTopic): Promise<void> {
    return translated(this.#admin.createTopic(topic))
  }

  deleteTopic(topic: string): Promise<void> {
    return translated(this.#admin.deleteTopic(topic))
  }

  listTopics(): Promise<readonly string[]> {
    return translated(this.#admin.listTopics())
  }

  describeTopics(topics: readonly string[]): Promise<readonly TopicState[]> {
    return translated(this.#admin.describeTopics(topics))
  }

  listOffsets(
    partitions: readonly TopicPartition[],
    at: 'beginning' | 'end' | number,
    isolation: IsolationLevel,
  ): Promise<readonly TopicPartitionOffset[]> {
    return translated(this.#admin.listOffsets(partitions, at, isolation))
  }

  groupOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<readonly OffsetCommit[]> {
    return translated(this.#admin.groupOffsets(groupId, partitions))
  }

  describeGroup(groupId: string): Promise<GroupDescription> {
    return translated(this.#admin.describeGroup(groupId))
  }

  deleteRecords(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    return translated(this.#admin.deleteRecords(offsets))
  }

  close(): Promise<void> {
    return this.#admin.close()
  }
}
