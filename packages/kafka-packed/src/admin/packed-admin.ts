import type { GroupDescription, IsolationLevel, NewTopic, TopicPartition, TopicPartitionOffset } from '@millrace/core'
import { unknownNames, wrongOptions } from '@millrace/core'
import { Cluster } from '../cluster/cluster.ts'
import { CONNECT_NAMES, type ConnectOptions, resolveConnectOptions } from '../cluster/connection-options.ts'
import { Controller } from '../cluster/controller.ts'
import { systemClock } from '../cluster/system-clock.ts'
import { listOffsets, type OffsetQuestion } from '../read/list-offsets.ts'
import type { PositionCommit } from '../read/read-position.ts'
import type { AdminContext } from './admin-context.ts'
import { alterTopicConfigs, topicConfigs } from './config-calls.ts'
import { GroupAdmin, listGroups } from './group-admin.ts'
import {
  createPartitions,
  createTopic,
  deleteRecords,
  deleteTopic,
  type DescribedTopic,
  describeTopics,
  listTopics,
} from './topic-calls.ts'

/**
 * Looks after topics, their settings, and offsets. What passes by itself is tried again, as long as a request may take; what does not rejects with a
 * `PackedError`, such as one of kind `topic-exists`.
 *
 * @example
 * ```ts
 * import { PackedAdmin } from '@millrace/kafka-packed'
 *
 * await using admin = await PackedAdmin.open({ brokers: [{ host: 'localhost', port: 9092 }] })
 * await admin.createTopic({ topic: 'lines', partitions: 4, config: { 'retention.ms': '86400000' } })
 * console.log(await admin.describeTopics(['lines']))
 * ```
 */
export class PackedAdmin implements AsyncDisposable {
  readonly #context: AdminContext
  readonly #controller: Controller

  /** Connects to the first broker that answers. Rejects with a `PackedError`, such as one of kind `unreachable`. */
  static async open(options: ConnectOptions): Promise<PackedAdmin> {
    const admin = new PackedAdmin(options)
    try {
      await admin.#context.cluster.refresh()
    } catch (error) {
      await admin.close()
      throw error
    }
    return admin
  }

  private constructor(options: ConnectOptions) {
    const problems = unknownNames((name) => name, options, CONNECT_NAMES)
    const resolved = resolveConnectOptions(options, problems)
    if (problems.length > 0) throw wrongOptions("PackedAdmin was given what it can't use", problems)
    const cluster = new Cluster(resolved, systemClock)
    this.#context = { cluster, options: resolved, clock: systemClock }
    this.#controller = new Controller(cluster, systemClock)
  }

  /** Its partitions may have no leaders yet: see {@link describeTopics}. */
  createTopic(topic: NewTopic): Promise<void> {
    return createTopic(this.#context, this.#controller, topic)
  }

  /** Deletes a topic and all that is in it. Rejects with a `PackedError` if it does not exist, or may not be deleted. */
  deleteTopic(topic: string): Promise<void> {
    return deleteTopic(this.#context, this.#controller, topic)
  }

  /** So that there are `total` in all. */
  createPartitions(topic: string, total: number): Promise<void> {
    return createPartitions(this.#context, this.#controller, { topic, total })
  }

  /** Names of all topics, internal ones too. */
  listTopics(): Promise<readonly string[]> {
    return listTopics(this.#context)
  }

  /** Those that some broker knows, in the order asked for; never creates one. */
  describeTopics(topics: readonly string[]): Promise<readonly DescribedTopic[]> {
    return describeTopics(this.#context, topics)
  }

  /** By topic, then by Kafka's name of the setting, as they are in force: where a topic says nothing, the broker's. */
  topicConfigs(topics: readonly string[]): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
    return topicConfigs(this.#context, topics)
  }

  /** Those that are named; null: as the broker has it. Others stay as they are. */
  alterTopicConfigs(topic: string, configs: Readonly<Record<string, string | null>>): Promise<void> {
    return alterTopicConfigs(this.#controller, topic, configs)
  }

  /** First or next offsets, or the first at or after a time in milliseconds: -1 where no record is that young. */
  listOffsets(
    partitions: readonly TopicPartition[],
    at: OffsetQuestion,
    isolation: IsolationLevel,
  ): Promise<readonly TopicPartitionOffset[]> {
    return listOffsets(this.#context.cluster, partitions, { at, isolation, clock: this.#context.clock })
  }

  /** Deletes the records below these offsets. */
  deleteRecords(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    return deleteRecords(this.#context, offsets)
  }

  /** Names of all groups. */
  listGroups(): Promise<readonly string[]> {
    return listGroups(this.#context)
  }

  /** Of either protocol; its state is `Dead` where there is no such group. */
  describeGroup(groupId: string): Promise<GroupDescription> {
    return this.#group(groupId).describe()
  }

  /** Refused where it has members. */
  deleteGroup(groupId: string): Promise<void> {
    return this.#group(groupId).delete()
  }

  /** Puts all members out of a group of the classic protocol; those that are alive will come back. */
  removeMembers(groupId: string): Promise<void> {
    return this.#group(groupId).removeMembers()
  }

  /** Committed offsets of those partitions that have one. Waits while a transaction may change them. */
  groupOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<readonly PositionCommit[]> {
    return this.#group(groupId).offsets(partitions)
  }

  /** For a group that has no members; one that nobody knows begins to exist. Rejects with kind `not-member` where there are some. */
  commitOffsets(groupId: string, offsets: readonly PositionCommit[]): Promise<void> {
    return this.#group(groupId).commit(offsets)
  }

  /** Refused where members read the topics. */
  deleteGroupOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<void> {
    return this.#group(groupId).deleteOffsets(partitions)
  }

  /** Gives up all connections. Safe to call twice. */
  close(): Promise<void> {
    this.#context.cluster.close()
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #group(groupId: string): GroupAdmin {
    return new GroupAdmin(this.#context, groupId)
  }
}
