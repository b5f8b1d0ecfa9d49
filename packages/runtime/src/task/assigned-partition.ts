import { type OffsetCommit, partitionKey, type SourceNode, type SubTopology, type TopicPartition } from '@millrace/core'
import { decodePartitionTime } from '../commit/offset-metadata.ts'
import { PartitionQueue } from '../source/partition-queue.ts'
import { positionOf } from './start-positions.ts'
import type { TaskEnvironment } from './task-environment.ts'

/** A partition of a task, as assigned. */
export interface AssignedPartition extends TopicPartition {
  readonly source: SourceNode
}

export interface QueueOptions {
  /** Where reading begins, by partition. */
  readonly offsets: ReadonlyMap<string, OffsetCommit>
  readonly subTopology: SubTopology
  readonly environment: TaskEnvironment
}

/** What is read of a partition waits there. */
export function makeQueue(
  { topic, partition, source }: AssignedPartition,
  { offsets, subTopology, environment: { batching, buffer } }: QueueOptions,
): PartitionQueue {
  return new PartitionQueue({
    topic,
    partition,
    source,
    policy: batching.of(topic, source, subTopology),
    buffer,
    position: positionOf(offsets, { topic, partition }, source),
    partitionTime: decodePartitionTime(offsets.get(partitionKey(topic, partition))?.metadata),
  })
}
