import { describeValue } from '../../internal/describe-value.ts'
import type { SinkNode } from '../topology.ts'
import { serdeProblems } from './serde-problems.ts'
import { topicNameProblems } from './topic-name-problems.ts'

/** What is wrong with one sink. Of a repartition, its source has said it already. */
export function sinkProblems(node: SinkNode): string[] {
  const { name, topic, partitioner } = node
  if (typeof topic === 'object' && topic.kind === 'repartition') return []
  const who = `Sink '${name}'`
  const problems = typeof topic === 'object' && topic.kind === 'name' ? topicNameProblems(who, topic.topic) : []
  problems.push(...serdeProblems(who, node))
  if (partitioner !== undefined && typeof partitioner !== 'function') {
    problems.push(`${who}: partitioner is ${describeValue(partitioner)}; use a function that returns a partition or undefined.`)
  }
  return problems
}
