import { describeValue } from '../../internal/describe-value.ts'
import { numberProblem } from '../../internal/number-problem.ts'
import { MOST_CONCURRENCY, ORDERINGS } from '../../process/concurrency.ts'
import { reachableFrom } from '../reachable-from.ts'
import { storesOf } from '../stores-of.ts'
import type { ProcessorNode, TopologyNode } from '../topology.ts'

/** Nodes that can't process several records at once as they are asked to. */
export function concurrencyProblems(nodes: readonly TopologyNode[]): string[] {
  const byName = new Map(nodes.map((node) => [node.name, node]))
  return nodes.flatMap((node) => (node.kind === 'processor' ? [...valueProblems(node), ...stateProblems(node, byName)] : []))
}

function valueProblems({ name, concurrency }: ProcessorNode): string[] {
  const { ordering, asyncBatch, maxConcurrency } = concurrency
  const problems: string[] = []
  if (!ORDERINGS.includes(ordering)) {
    problems.push(`Node '${name}': ordering is ${describeValue(ordering)}; use 'partition', 'key' or 'unordered'.`)
  }
  if (asyncBatch !== undefined && typeof asyncBatch !== 'boolean') {
    problems.push(`Node '${name}': asyncBatch is ${describeValue(asyncBatch)}; use true or false.`)
  }
  const range = { min: 1, max: MOST_CONCURRENCY }
  const problem = maxConcurrency === undefined ? undefined : numberProblem(`Node '${name}': maxConcurrency`, maxConcurrency, range)
  if (problem !== undefined) problems.push(problem)
  return problems
}

/** State must not depend on which record happens to be done first. */
function stateProblems(node: ProcessorNode, byName: ReadonlyMap<string, TopologyNode>): string[] {
  const { ordering, asyncBatch } = node.concurrency
  const who = `Node '${node.name}'`
  if (ordering === 'partition' && asyncBatch === true && hasStores(node)) {
    return [
      `${who} has stores and asyncBatch: records side by side would change state in any order; use ordering 'key', which keeps the order ` +
        `of each key, or leave asyncBatch out.`,
    ]
  }
  if (ordering !== 'unordered') return []
  const stateful = [...reachableFrom(node, byName)].find(hasStores)
  if (stateful === undefined) return []
  const whose = stateful === node ? 'stores' : `'${stateful.name}' behind it, which has stores`
  return [`${who} has ordering 'unordered' and ${whose}: state would change in the order in which records happen to be done; use 'key'.`]
}

function hasStores(node: TopologyNode): boolean {
  return storesOf(node).length > 0
}
