import { repartitionTopic, type TopicRef } from '@millrace/core'

/** Name of a changelog, as Kafka Streams gives it. */
export function changelogTopic(applicationId: string, store: string): string {
  return `${applicationId}-${store}-changelog`
}

/** The full name of a topic, or the pattern its names match. */
export function resolveTopic(ref: TopicRef, applicationId: string): string | RegExp {
  if (ref.kind === 'name') return ref.topic
  return ref.kind === 'pattern' ? ref.pattern : repartitionTopic(applicationId, ref.name)
}
