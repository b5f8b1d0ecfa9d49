import type { SourceNode } from '@millrace/core'
import { matches, type PlannedSubTopology, type TopicPlan } from '../app/topic-plan.ts'
import { topicUnexpected } from './assignment-errors.ts'

/** Who reads a topic. */
export interface PlannedInput {
  readonly planned: PlannedSubTopology
  readonly source: SourceNode
}

/** Who reads `topic`. Throws `TOPIC_UNEXPECTED` if nobody does. */
export function plannedInput({ subTopologies }: TopicPlan, topic: string): PlannedInput {
  for (const planned of subTopologies) {
    for (const input of planned.inputs) if (input.topic === topic) return { planned, source: input.source }
  }
  // Created after the start, and matched by a pattern.
  for (const planned of subTopologies) {
    for (const node of planned.subTopology.nodes) {
      if (node.kind !== 'source') continue
      if (node.topics.some((ref) => ref.kind === 'pattern' && matches(ref.pattern, topic))) return { planned, source: node }
    }
  }
  throw topicUnexpected(topic)
}
