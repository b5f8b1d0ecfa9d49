import { repartitionTopic } from './repartition-topic.ts'
import type { SourceNode } from './topology.ts'

/** Whether a source of an application reads a topic, or would if there were one of that name. */
export function readsTopic(node: SourceNode, topic: string, applicationId: string): boolean {
  return node.topics.some((ref) => {
    if (ref.kind === 'name') return ref.topic === topic
    if (ref.kind === 'repartition') return repartitionTopic(applicationId, ref.name) === topic
    // A copy: a pattern with flags g or y changes when it is tested.
    return new RegExp(ref.pattern.source).test(topic)
  })
}
