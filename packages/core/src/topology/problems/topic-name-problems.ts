import { describeValue } from '../../internal/describe-value.ts'

/** A topic name that Kafka refuses. */
export function topicNameProblems(who: string, topic: unknown): string[] {
  if (typeof topic === 'string' && /^[a-zA-Z0-9._-]{1,249}$/.test(topic) && topic !== '.' && topic !== '..') return []
  return [`${who} names the topic ${describeValue(topic)}; Kafka allows 1 to 249 letters, digits, '.', '_' and '-'.`]
}
