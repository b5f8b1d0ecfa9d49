/** One partition of one topic. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** A place in a partition: that of the record at `offset`, there or yet to come. */
export interface TopicPartitionOffset extends TopicPartition {
  readonly offset: number
}

/** An offset to commit: that of the **next** record to read. */
export interface OffsetCommit extends TopicPartitionOffset {
  /** Kept with the offset, up to the broker's limit (4 KiB in Kafka's default). */
  readonly metadata?: string | undefined
}

/** A key for maps over topic-partitions. Topic names can't hold a space. */
export function partitionKey(topic: string, partition: number): string {
  return `${topic} ${partition}`
}
