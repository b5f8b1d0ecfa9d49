import { sourceBatchProblems } from '../../batch/batch-options-problems.ts'
import { readsTopic } from '../reads-topic.ts'
import { describeValue } from '../../internal/describe-value.ts'
import { numberProblem } from '../../internal/number-problem.ts'
import type { SourceNode, TopicRef } from '../topology.ts'
import { serdeProblems } from './serde-problems.ts'
import { topicNameProblems } from './topic-name-problems.ts'

/** What is wrong with one source, or with the repartition it reads. */
export function sourceProblems(node: SourceNode): string[] {
  const { name, startAt, timestamp } = node
  const [first] = node.topics
  const who = first?.kind === 'repartition' ? `Repartition '${name}'` : `Source '${name}'`
  const problems = node.topics.length === 0 ? [`${who} has no topics.`] : node.topics.flatMap((ref) => topicRefProblems(who, ref))
  problems.push(...serdeProblems(who, node))
  const validStart = startAt instanceof Date ? !Number.isNaN(startAt.getTime()) : startAt === 'earliest' || startAt === 'latest'
  if (!validStart) {
    const given = startAt instanceof Date ? 'an invalid date' : describeValue(startAt)
    problems.push(`${who}: startAt is ${given}; use 'earliest', 'latest' or a valid Date.`)
  }
  if (timestamp !== undefined && typeof timestamp !== 'function') {
    problems.push(`${who}: timestamp is ${describeValue(timestamp)}; use a function that returns milliseconds since the epoch.`)
  }
  problems.push(...sourceBatchProblems(`${who}: batch`, node.batch))
  for (const topic of Object.keys(node.batch?.topics ?? {}))
    if (!readsTopic(node, topic, '')) problems.push(`${who}: batch.topics names '${topic}', which it does not read.`)
  return problems
}

function topicRefProblems(who: string, ref: TopicRef): string[] {
  if (ref.kind === 'name') return topicNameProblems(who, ref.topic)
  if (ref.kind === 'pattern') {
    if (ref.pattern.flags === '') return []
    return [`${who} has the pattern ${String(ref.pattern)} with flags, which Kafka does not know; leave them out.`]
  }
  const problems: string[] = []
  if (!/^[a-zA-Z0-9._-]{1,100}$/.test(ref.name)) {
    problems.push(`${who}: its name becomes part of a topic's name; use 1 to 100 letters, digits, '.', '_' and '-'.`)
  }
  if (ref.partitions !== undefined) {
    const problem = numberProblem(`${who}: partitions`, ref.partitions, { min: 1, max: 100_000 })
    if (problem !== undefined) problems.push(problem)
  }
  return problems
}
