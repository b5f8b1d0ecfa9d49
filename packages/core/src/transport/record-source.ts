import type { OffsetCommit, TopicPartition, TopicPartitionOffset } from './topic-partition.ts'
import type { PollResult } from './wire-batch.ts'

/** Whether records of open and aborted transactions are seen. */
export type IsolationLevel = 'read-committed' | 'read-uncommitted'

/** What a source is opened for. */
export interface RecordSourceOptions {
  /** The consumer group. Absent: partitions are assigned by hand (restore, standby), nothing is committed. */
  readonly groupId?: string | undefined
  /** Names this member in logs and on the broker. */
  readonly clientId: string
  /** Tells several members of one process apart, where each needs a name of its own (static membership). Default: there is one. */
  readonly member?: number | undefined
  readonly isolation: IsolationLevel
  /** A member must get the same partition number of all topics (range assignment); otherwise partitions stay where they are as far as possible. */
  readonly coLocate?: boolean | undefined
  /**
   * Partitions whose tasks' state is with this member, asked for at each rebalance: what moves goes there, as far as that is even. For transports that assign partitions
   * themselves; others pass it over. It may not throw. Default: none.
   */
  readonly warm?: (() => readonly TopicPartition[]) | undefined
  /** Who follows the state of tasks that others have, for transports that {@link RecordSource.placesStandbys}; others pass it over. Default: nobody. */
  readonly standbys?: StandbyPlacing | undefined
  /** The most records one poll hands out. Default: 10,000. */
  readonly maxPollRecords?: number | undefined
}

/** Which members follow the state of tasks that others have: those that are given this, the same by all. */
export interface StandbyPlacing {
  /** How many follow each task, besides the member that has it. */
  readonly replicas: number
  /** Topics whose partitions' tasks keep state. */
  readonly topics: readonly string[]
  /** The partitions whose tasks' state this member is to follow: all of them, told in each rebalance, before the hooks. May not throw. */
  readonly onPlaced: (partitions: readonly TopicPartition[]) => void
}

/** Where reading of a newly assigned partition begins. */
export interface StartPosition extends TopicPartitionOffset {
  /** Nothing is read before `resume`. Default: false. */
  readonly paused?: boolean | undefined
}

/**
 * Awaited by the source: partitions are read only after `onAssigned` resolved and handed to another member only after `onRevoked` did.
 * Polling may go on meanwhile. Hooks are never called concurrently. A hook that rejects makes the next `poll` reject with that error.
 */
export interface RebalanceListener {
  /** Newly assigned partitions (an empty list when nothing changed): says where reading begins, one position for each partition. */
  readonly onAssigned: (partitions: readonly TopicPartition[]) => Promise<readonly StartPosition[]>
  /** Partitions to be given up: finish, commit, let go. */
  readonly onRevoked: (partitions: readonly TopicPartition[]) => Promise<void>
  /** Partitions that already belong to somebody else: let go, commit nothing. */
  readonly onLost: (partitions: readonly TopicPartition[]) => Promise<void>
}

/** Reads topics. One poll at a time. Errors are `MillraceError`s; `retryable` says whether polling again may help. */
export interface RecordSource extends AsyncDisposable {
  /** Whether it says who follows whose state: see {@link RecordSourceOptions.standbys}. Default: false. */
  readonly placesStandbys?: boolean | undefined
  /** For how long the group keeps a member that it hears nothing of, in milliseconds, as far as this side knows. */
  readonly sessionTimeoutMs?: number | undefined
  /** Joins the group and reads all topics named or matched, also those created later that match. Resolves at once; hooks are called from then on. */
  subscribe(topics: readonly (string | RegExp)[], listener: RebalanceListener): Promise<void>
  /** Reads exactly these partitions, from these offsets, without a group. Replaces what was assigned before. */
  assign(positions: readonly TopicPartitionOffset[]): Promise<void>
  /**
   * What has arrived; waits up to `maxWaitMs` for something to arrive. Batches of one partition come in offset order. While nobody polls,
   * the source stays a member of its group by itself, serves hooks, and buffers only a bounded amount.
   */
  poll(maxWaitMs: number): Promise<PollResult>
  /** Goes on reading at these offsets; resolves when nothing read before the call can arrive any more. Keeps pauses. */
  seek(positions: readonly TopicPartitionOffset[]): Promise<void>
  /** Reads nothing more from these partitions; polls that start after the call hand out nothing of them. */
  pause(partitions: readonly TopicPartition[]): void
  /** Goes on where reading stood when it was paused. */
  resume(partitions: readonly TopicPartition[]): void
  /** Commits for the group; resolves when the broker has confirmed **every** offset, rejects if it refused any. */
  commit(offsets: readonly OffsetCommit[]): Promise<void>
  /** Stable committed offsets of the group (no transaction pending on them); partitions without one are left out. */
  committed(partitions: readonly TopicPartition[]): Promise<readonly OffsetCommit[]>
  /** The partitions assigned now. */
  assignment(): readonly TopicPartition[]
  /**
   * Leaves the group (after `onRevoked` for what is assigned, which may still commit) and releases
   * everything; a poll under way ends. Safe to call twice.
   */
  close(): Promise<void>
}
