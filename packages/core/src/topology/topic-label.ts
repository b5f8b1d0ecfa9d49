import type { TopicRef } from './topology.ts'

/** How a topic is named where no application id is known. */
export function topicLabel(ref: TopicRef): string {
  if (ref.kind === 'name') return ref.topic
  return ref.kind === 'pattern' ? ref.pattern.source : `${ref.name}-repartition`
}
