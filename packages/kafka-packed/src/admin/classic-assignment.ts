import type { TopicPartition } from '@millrace/core'

/** What a member of a group of the classic protocol was given, in the layout that Kafka's own consumers use. Throws a `RangeError` when it is cut off. */
export function readClassicAssignment(bytes: Buffer): TopicPartition[] {
  if (bytes.length === 0) return []
  const partitions: TopicPartition[] = []
  // Behind the version.
  let at = 2
  const int32 = (): number => {
    at += 4
    return bytes.readInt32BE(at - 4)
  }
  for (let topics = int32(); topics > 0; topics--) {
    const length = bytes.readInt16BE(at)
    const topic = bytes.toString('utf8', at + 2, at + 2 + length)
    at += 2 + length
    for (let left = int32(); left > 0; left--) partitions.push({ topic, partition: int32() })
  }
  return partitions
}
