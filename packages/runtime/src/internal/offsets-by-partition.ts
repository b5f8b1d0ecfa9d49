import { partitionKey, type TopicPartitionOffset } from '@millrace/core'

/** Each partition's offset, by `partitionKey`. */
export function offsetsByPartition(offsets: readonly TopicPartitionOffset[]): ReadonlyMap<string, number> {
  return new Map(offsets.map(({ topic, partition, offset }) => [partitionKey(topic, partition), offset]))
}
