import type { TopicPartition, TopicPartitionOffset } from '@millrace/core'
import type { PackedError } from '../errors/packed-error.ts'
import type { RecordColumns } from '../records/record-columns.ts'

/** Consecutive records of one partition, in offset order. Offsets may have gaps. */
export interface ReadBatch extends TopicPartition, RecordColumns {
  /** Of the next record to be written, as this reader may see it, when these were fetched. */
  readonly endOffset: number
}

/** A partition that stands still until it is sought, and why. */
export interface ReadFailure extends TopicPartition {
  readonly error: PackedError
}

/** What one poll brought. */
export interface ReadResult {
  readonly batches: readonly ReadBatch[]
  /** Partitions of which everything has been polled, and the end. Told again when there was more. */
  readonly ends: readonly TopicPartitionOffset[]
  /** Each is told once. */
  readonly failures: readonly ReadFailure[]
}
