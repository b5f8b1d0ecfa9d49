import type { NewTopic, OffsetCommit, TopicPartition, TopicPartitionOffset } from '@millrace/core'

/** One operation on the embedded log, as fault injection sees it. */
export type MemoryOperation =
  | { readonly type: 'poll'; readonly clientId: string }
  | { readonly type: 'seek'; readonly clientId: string; readonly positions: readonly TopicPartitionOffset[] }
  | { readonly type: 'commit'; readonly clientId: string; readonly groupId: string; readonly offsets: readonly OffsetCommit[] }
  | { readonly type: 'committed'; readonly clientId: string; readonly groupId: string; readonly partitions: readonly TopicPartition[] }
  /** `writeBatch` was called: nothing has been accepted yet. */
  | { readonly type: 'write'; readonly clientId: string; readonly topic: string; readonly records: number }
  /** Accepted records are about to be appended to a partition. What is thrown becomes a failure that `flush` answers with. */
  | { readonly type: 'deliver'; readonly clientId: string; readonly topic: string; readonly partition: number; readonly records: number }
  /**
   * `send` was called. What is thrown before it refuses all its records; after it, when they are in the log, nobody hears of that: their outcome is unknown.
   * Between, each partition's records are delivered (`deliver`): an error of code `TIMED_OUT` leaves it open what became of them, others refuse them.
   */
  | { readonly type: 'send'; readonly clientId: string; readonly topic: string; readonly records: number }
  | { readonly type: 'flush'; readonly clientId: string }
  | { readonly type: 'begin'; readonly clientId: string }
  | { readonly type: 'send-offsets'; readonly clientId: string; readonly groupId: string; readonly offsets: readonly OffsetCommit[] }
  | { readonly type: 'commit-transaction'; readonly clientId: string }
  | { readonly type: 'abort-transaction'; readonly clientId: string }
  | { readonly type: 'open-source'; readonly clientId: string; readonly groupId: string | undefined }
  | { readonly type: 'open-writer'; readonly clientId: string; readonly transactionalId: string | undefined }
  | { readonly type: 'open-admin' }
  | { readonly type: 'create-topics'; readonly topics: readonly NewTopic[] }
  | { readonly type: 'delete-topics'; readonly topics: readonly string[] }
  | { readonly type: 'delete-records'; readonly offsets: readonly TopicPartitionOffset[] }

/**
 * Makes operations fail or wait, for tests. With faults, accepted records are delivered behind the writer's back, one batch after the
 * other, as a real client does; without, `writeBatch` delivers at once.
 */
export interface MemoryFaults {
  /** Called before an operation takes effect: throw to make it fail, return a promise to make it wait. */
  readonly before?: (operation: MemoryOperation) => void | Promise<void>
  /**
   * Called when an operation has taken effect, before its caller hears of it: throw and the answer is lost. Not called for `poll`, `seek`,
   * `committed` and `deliver`.
   */
  readonly after?: (operation: MemoryOperation) => void | Promise<void>
}
