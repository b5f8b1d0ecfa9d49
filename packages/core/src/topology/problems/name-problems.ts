import { describeValue } from '../../internal/describe-value.ts'
import type { BuilderGraph } from '../builder-graph.ts'

/** Names that are none, and names that are taken. */
export function nameProblems(topology: string, graph: BuilderGraph): string[] {
  const problems: string[] = []
  if (!isName(topology)) problems.push(`The topology's name is ${describeValue(topology)}; ${RULE}`)
  if (graph.nodes.length === 0) problems.push('The topology is empty; begin with source().')
  const taken = new Set<string>()
  const twice = new Set<string>()
  for (const { name } of graph.nodes) {
    if (!isName(name)) problems.push(`A node's name is ${describeValue(name)}; ${RULE}`)
    else if (taken.has(name)) twice.add(name)
    taken.add(name)
  }
  for (const name of twice) {
    // The sink of a repartition is not in the user's program: what he named twice is the repartition.
    const hidden = graph.nodes.some((node) => node.name === name && node.kind === 'sink' && isRepartition(node.topic))
    const repartition = hidden ? name.slice(0, -'-sink'.length) : ''
    if (hidden && twice.has(repartition)) continue
    problems.push(
      hidden
        ? `There is a node named '${name}', which is what repartition '${repartition}' calls its sink; give one of them another name.`
        : `There are several nodes named '${name}'; names must be unique.`,
    )
  }
  return problems
}

const RULE = 'use text of at least one character and without control characters.'

function isName(name: unknown): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return typeof name === 'string' && name.trim() !== '' && !/[\u0000-\u001f\u007f-\u009f]/.test(name)
}

function isRepartition(topic: unknown): boolean {
  return typeof topic === 'object' && topic !== null && (topic as { kind?: unknown }).kind === 'repartition'
}
