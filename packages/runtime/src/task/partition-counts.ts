import { MillraceError, type TopicPartition, type TransportAdmin } from '@millrace/core'
import type { PlannedSubTopology } from '../app/topic-plan.ts'

export interface AssignedTopic extends TopicPartition {
  readonly planned: PlannedSubTopology
}

/**
 * Rejects if an input has another number of partitions than the application was started with, where that splits what belongs together: state, which is
 * kept by partition, or the topics of a join. What reads one topic and keeps nothing may read any number.
 */
export async function checkPartitionCounts(assigned: readonly AssignedTopic[], admin: TransportAdmin): Promise<void> {
  const bound = assigned.filter(({ planned: { subTopology, inputs } }) => subTopology.stores.length > 0 || inputs.length > 1)
  for (const { topic, partition, planned } of bound) if (partition >= planned.partitions) throw wrongCount(topic, planned)
  // A topic that a pattern matched after the start.
  const unplanned = bound.filter(({ topic, planned }) => !planned.inputs.some((input) => input.topic === topic))
  if (unplanned.length === 0) return
  for (const { topic, partitions } of await admin.describeTopics([...new Set(unplanned.map(({ topic }) => topic))])) {
    const found = unplanned.find((one) => one.topic === topic)
    if (found !== undefined && partitions !== found.planned.partitions) throw wrongCount(topic, found.planned)
  }
}

function wrongCount(topic: string, { subTopology, partitions }: PlannedSubTopology): MillraceError {
  const what =
    subTopology.stores.length > 0 ? `keeps state for each of ${partitions}` : `reads ${partitions} together with those of other topics`
  return new MillraceError(
    'PARTITION_COUNT',
    `Topic '${topic}' has another number of partitions than sub-topology ${subTopology.index} can take, which ${what}: were partitions added? ` +
      `Its records are not processed, since the same key may lie elsewhere now. Stop the application, and reset it or create the topic anew.`,
    { stage: 'source', topic },
  )
}
