import type { TopicPartition } from '@millrace/core'

/** What a reader has done so far. */
export interface ReaderStatistics {
  /** From which brokers, by their ids. */
  readonly fetched: ReadonlyMap<number, FetchCounts>
  /** What waits to be polled, as it arrived. */
  readonly bufferedBytes: number
  /** How far each partition is. */
  readonly partitions: readonly PartitionProgress[]
}

/** What one broker was asked, and gave. */
export interface FetchCounts {
  /** Answers, those without records included. */
  readonly answers: number
  /** Of records, as they arrived. */
  readonly bytes: number
}

/** How far a partition was read. */
export interface PartitionProgress extends TopicPartition {
  /** Of the next record to be polled. */
  readonly position: number
  /** Of the next record to be written, as this reader may see it; -1: not known yet. */
  readonly endOffset: number
}
