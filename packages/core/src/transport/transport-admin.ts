import type { GroupDescription } from './group-description.ts'
import type { IsolationLevel } from './record-source.ts'
import type { OffsetCommit, TopicPartition, TopicPartitionOffset } from './topic-partition.ts'

/** A topic to create. */
export interface NewTopic {
  readonly topic: string
  readonly partitions: number
  /** Default: the broker's. */
  readonly replicationFactor?: number | undefined
  /** Kafka's topic settings, such as `cleanup.policy`. */
  readonly config?: Readonly<Record<string, string>> | undefined
}

/** A topic that exists. */
export interface TopicDescription {
  readonly topic: string
  /** Another one when a topic of this name is created anew, or elsewhere. Absent where topics have none. */
  readonly id?: string | undefined
  readonly partitions: number
}

/** The settings of some topics, or why they can't be told. */
export interface TopicSettings {
  /**
   * By topic, then by Kafka's name of the setting, as they are in force: where a topic says nothing, the broker's. Topics that don't exist are left out,
   * and so may be settings that the transport knows nothing of.
   */
  readonly byTopic: ReadonlyMap<string, Readonly<Record<string, string>>>
  /** Completes "Settings of topics can't be read: ..."; `byTopic` is empty then. */
  readonly unknownBecause?: string | undefined
}

/** Looks after topics and offsets. Errors are `MillraceError`s; `retryable` says whether asking again may help. */
export interface TransportAdmin extends AsyncDisposable {
  /** Creates what is missing; a topic that exists already is left as it is (no error). Resolves when the topics can be written to. */
  createTopics(topics: readonly NewTopic[]): Promise<void>
  /** Deletes topics; one that does not exist is no error. */
  deleteTopics(topics: readonly string[]): Promise<void>
  /** The topics that exist, of those named or matched (internal ones such as `__consumer_offsets` only if named). */
  describeTopics(topics: readonly (string | RegExp)[]): Promise<readonly TopicDescription[]>
  /** The settings of these topics. A transport whose topics have none leaves it out. Rejects when nobody answers, which may pass. */
  topicSettings?(topics: readonly string[]): Promise<TopicSettings>
  /** The first offset that can still be read. */
  beginningOffsets(partitions: readonly TopicPartition[]): Promise<readonly TopicPartitionOffset[]>
  /** The offset of the next record: with `read-committed` the last stable offset, else the high watermark. */
  endOffsets(partitions: readonly TopicPartition[], isolation: IsolationLevel): Promise<readonly TopicPartitionOffset[]>
  /** The first offset whose timestamp is at least `timestampMs`; the end where there is none. */
  offsetsForTimes(partitions: readonly TopicPartition[], timestampMs: number): Promise<readonly TopicPartitionOffset[]>
  /** Committed offsets of any group; partitions without one are left out. */
  committedOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<readonly OffsetCommit[]>
  /** Who is in a group, and what each has. A transport that can't tell leaves it out. */
  describeGroup?(groupId: string): Promise<GroupDescription>
  /**
   * Commits offsets for a group that has no members, all in one step; a group that nobody knows begins to exist. Rejects where there are members. A
   * transport that can't leaves it out.
   */
  commitOffsets?(groupId: string, offsets: readonly OffsetCommit[]): Promise<void>
  /** Puts members out of a group: those of a client id, by default all. Those that are alive will come back. A transport that can't leaves it out. */
  removeMembers?(groupId: string, clientId?: string): Promise<void>
  /** Deletes the records below these offsets. */
  deleteRecords(offsets: readonly TopicPartitionOffset[]): Promise<void>
  /** Safe to call twice. */
  close(): Promise<void>
}
