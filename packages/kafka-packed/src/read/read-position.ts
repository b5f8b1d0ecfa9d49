import type { OffsetCommit, TopicPartitionOffset } from '@millrace/core'

/** Where reading of a partition begins. */
export interface ReadPosition extends TopicPartitionOffset {
  /** Epoch of the record before `offset`, as it was committed with it: what the log has lost since is noticed then. Default: not known. */
  readonly leaderEpoch?: number | undefined
}

/** Where a group goes on reading: committed with the epoch of the record before, if that is known, which tells who reads on whether the log has lost it. */
export interface PositionCommit extends OffsetCommit, ReadPosition {}
