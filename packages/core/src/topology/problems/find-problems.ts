import type { BuilderGraph } from '../builder-graph.ts'
import { concurrencyProblems } from './concurrency-problems.ts'
import { linkProblems } from './link-problems.ts'
import { nameProblems } from './name-problems.ts'
import { outsideSinkProblems } from './outside-sink-problems.ts'
import { pathProblems } from './path-problems.ts'
import { processorProblems } from './processor-problems.ts'
import { sinkProblems } from './sink-problems.ts'
import { sourceProblems } from './source-problems.ts'
import { storeProblems } from './store-problems.ts'
import { topicProblems } from './topic-problems.ts'

/** Everything that is wrong with what a builder was given, one sentence each. */
export function findProblems(topology: string, graph: BuilderGraph): readonly string[] {
  const nodes = graph.linked()
  const problems = [...nameProblems(topology, graph), ...graph.problems, ...linkProblems(graph)]
  for (const node of nodes) {
    if (node.kind === 'source') problems.push(...sourceProblems(node))
    else if (node.kind === 'processor') problems.push(...processorProblems(node))
    else if (node.kind === 'sink') problems.push(...sinkProblems(node))
  }
  problems.push(...outsideSinkProblems(nodes.filter((node) => node.kind === 'outside-sink')))
  problems.push(...topicProblems(nodes), ...storeProblems(nodes, graph), ...concurrencyProblems(nodes), ...pathProblems(nodes))
  return problems
}
