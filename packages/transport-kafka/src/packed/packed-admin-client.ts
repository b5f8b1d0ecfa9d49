import type { GroupDescription, IsolationLevel, NewTopic, OffsetCommit, TopicPartition, TopicPartitionOffset } from '@millrace/core'
import type { PackedAdmin } from '@millrace/kafka-packed'
import type { AdminClient, TopicState } from '../client/kafka-client.ts'
import { OpenQuestions } from './open-questions.ts'
import { translated } from './to-client-error.ts'

/** Administers through the packed client. */
export class PackedAdminClient implements AdminClient {
  readonly #admin: PackedAdmin
  readonly #questions = new OpenQuestions()

  constructor(admin: PackedAdmin) {
    this.#admin = admin
  }

  createTopic(topic: NewTopic): Promise<void> {
    return this.#ask(this.#admin.createTopic(topic))
  }

  deleteTopic(topic: string): Promise<void> {
    return this.#ask(this.#admin.deleteTopic(topic))
  }

  listTopics(): Promise<readonly string[]> {
    return this.#ask(this.#admin.listTopics())
  }

  describeTopics(topics: readonly string[]): Promise<readonly TopicState[]> {
    return this.#ask(this.#admin.describeTopics(topics))
  }

  listOffsets(
    partitions: readonly TopicPartition[],
    at: 'beginning' | 'end' | number,
    isolation: IsolationLevel,
  ): Promise<readonly TopicPartitionOffset[]> {
    return this.#ask(this.#admin.listOffsets(partitions, at, isolation))
  }

  groupOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<readonly OffsetCommit[]> {
    return this.#ask(this.#admin.groupOffsets(groupId, partitions))
  }

  describeGroup(groupId: string): Promise<GroupDescription> {
    return this.#ask(this.#admin.describeGroup(groupId))
  }

  deleteRecords(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    return this.#ask(this.#admin.deleteRecords(offsets))
  }

  /** What was asked before is answered first. */
  async close(): Promise<void> {
    await this.#questions.ended()
    await this.#admin.close()
  }

  #ask<T>(question: Promise<T>): Promise<T> {
    return translated(this.#questions.ask(question))
  }
}
