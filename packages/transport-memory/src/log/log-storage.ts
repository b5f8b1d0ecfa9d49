import type { NewTopic, OffsetCommit, TopicPartition } from '@millrace/core'
import type { PartitionStorage } from './partition-storage.ts'
import type { Segment } from './segment.ts'

/** A partition as it was found: what a {@link PartitionStorage} kept. */
export interface RestoredPartition {
  readonly storage: PartitionStorage
  readonly segments: readonly Segment[]
  readonly startOffset: number
  readonly endOffset: number
}

export interface RestoredTopic {
  readonly name: string
  readonly config: Readonly<Record<string, string>>
  readonly partitions: readonly RestoredPartition[]
}

/** What a log that is kept somewhere begins with. */
export interface RestoredLog {
  readonly topics: readonly RestoredTopic[]
  readonly offsets: ReadonlyMap<string, readonly OffsetCommit[]>
  /** The highest transaction id used. */
  readonly lastTransactionId: number
}

/**
 * Keeps a log beyond its process. Each call comes before what it is told becomes visible, and has kept it when it returns; when it throws,
 * nothing has happened.
 */
export interface LogStorage {
  readonly restored: RestoredLog
  createTopic(topic: NewTopic): readonly PartitionStorage[]
  deleteTopic(topic: string): void
  /** Nothing below `startOffset` will be read again. */
  moveStart(at: TopicPartition, startOffset: number, endOffset: number): void
  commitOffsets(groupId: string, offsets: readonly OffsetCommit[]): void
  /** The decision: from here on the transaction is committed, whatever happens. */
  commitTransaction(transactionId: number, offsets: ReadonlyMap<string, readonly OffsetCommit[]>): void
  /** Returns when everything so far is as safe as the folder's `durability` promises. */
  sync(): void
  close(): void
}
