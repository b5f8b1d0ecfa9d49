import type {
  GroupDescription,
  IsolationLevel,
  NewTopic,
  OffsetCommit,
  TopicDescription,
  TopicPartition,
  TopicPartitionOffset,
  TopicSettings,
  TransportAdmin,
} from '@millrace/core'
import { checkOffsets } from '../group/group-offsets.ts'
import { closed } from '../internal/errors.ts'
import type { EmbeddedLog } from '../log/embedded-log.ts'
import type { PartitionLog } from '../log/partition-log.ts'

/** Administers the embedded log; see {@link TransportAdmin}. */
export class MemoryAdmin implements TransportAdmin {
  readonly #log: EmbeddedLog
  readonly #onClosed: () => void
  #closed = false

  constructor(log: EmbeddedLog, onClosed: () => void) {
    this.#log = log
    this.#onClosed = onClosed
  }

  async createTopics(topics: readonly NewTopic[]): Promise<void> {
    this.#checkOpen()
    const operation = { type: 'create-topics', topics } as const
    await this.#log.faults.before(operation)
    this.#log.createTopics(topics)
    await this.#log.faults.after(operation)
  }

  async deleteTopics(topics: readonly string[]): Promise<void> {
    this.#checkOpen()
    const operation = { type: 'delete-topics', topics } as const
    await this.#log.faults.before(operation)
    this.#log.deleteTopics(topics)
    await this.#log.faults.after(operation)
  }

  async describeTopics(topics: readonly (string | RegExp)[]): Promise<readonly TopicDescription[]> {
    this.#checkOpen()
    return this.#log.topics.matching(topics).map(({ name, id, partitions }) => ({ topic: name, id, partitions: partitions.length }))
  }

  /** Those that a topic was created with: there is no broker with defaults. */
  async topicSettings(topics: readonly string[]): Promise<TopicSettings> {
    this.#checkOpen()
    return { byTopic: new Map(this.#log.topics.matching(topics).map(({ name, config }) => [name, config])) }
  }

  async beginningOffsets(partitions: readonly TopicPartition[]): Promise<readonly TopicPartitionOffset[]> {
    return this.#offsets(partitions, (log) => log.startOffset)
  }

  async endOffsets(partitions: readonly TopicPartition[], isolation: IsolationLevel): Promise<readonly TopicPartitionOffset[]> {
    return this.#offsets(partitions, (log) => log.readableEnd(isolation))
  }

  async offsetsForTimes(partitions: readonly TopicPartition[], timestampMs: number): Promise<readonly TopicPartitionOffset[]> {
    return this.#offsets(partitions, (log) => log.offsetForTime(timestampMs))
  }

  async committedOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<readonly OffsetCommit[]> {
    this.#checkOpen()
    return this.#log.findGroup(groupId)?.offsets.of(partitions) ?? []
  }

  async describeGroup(groupId: string): Promise<GroupDescription> {
    this.#checkOpen()
    return this.#log.findGroup(groupId)?.describe() ?? { groupId, state: 'Dead', members: [] }
  }

  async commitOffsets(groupId: string, offsets: readonly OffsetCommit[]): Promise<void> {
    this.#checkOpen()
    checkOffsets(offsets)
    for (const at of offsets) this.#log.topics.requirePartition(at, 'commit')
    const group = this.#log.group(groupId)
    group.checkMayCommit(undefined, offsets)
    this.#log.commitOffsets(group, offsets)
  }

  async removeMembers(groupId: string, clientId?: string): Promise<void> {
    this.#checkOpen()
    const group = this.#log.findGroup(groupId)
    if (clientId === undefined) group?.expelAll()
    else group?.find(clientId)?.expel()
  }

  async deleteRecords(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    this.#checkOpen()
    const operation = { type: 'delete-records', offsets } as const
    await this.#log.faults.before(operation)
    this.#log.deleteRecords(offsets)
    await this.#log.faults.after(operation)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#onClosed()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #offsets(partitions: readonly TopicPartition[], offsetOf: (log: PartitionLog) => number): readonly TopicPartitionOffset[] {
    this.#checkOpen()
    return partitions.map((at) => {
      const log = this.#log.topics.requirePartition(at, 'source')
      return { topic: at.topic, partition: at.partition, offset: offsetOf(log) }
    })
  }

  #checkOpen(): void {
    if (this.#closed) throw closed('source', 'admin client')
  }
}
