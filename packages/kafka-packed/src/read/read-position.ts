import type { TopicPartitionOffset } from '@millrace/core'

/** Where reading of a partition begins. */
export interface ReadPosition extends TopicPartitionOffset {
  /** Epoch of the record before `offset`, as it was committed with it: what the log has lost since is noticed then. Default: not known. */
  readonly leaderEpoch?: number | undefined
}
