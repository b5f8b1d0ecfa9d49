import type { TopicRef } from '@millrace/core'

/** Names of internal topics, as Kafka Streams gives them. */
export function changelogTopic(applicationId: string, store: string): string {
  return `${applicationId}-${store}-changelog`
}

export function repartitionTopic(applicationId: string, name: string): string {
  return `${applicationId}-${name}-repartition`
}

/** The full name of a topic, or the pattern its names match. */
export function resolveTopic(ref: TopicRef, applicationId: string): string | RegExp {
  if (ref.kind === 'name') return ref.topic
  return ref.kind === 'pattern' ? ref.pattern : repartitionTopic(applicationId, ref.name)
}
