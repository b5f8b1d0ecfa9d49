import type { ProcessorNode } from '../topology.ts'

/** What is wrong with one processor, its stores aside. */
export function processorProblems(node: ProcessorNode): string[] {
  const problems: string[] = []
  if (typeof node.create !== 'function') {
    problems.push(
      `Node '${node.name}' has no function and no factory; give a function, or { create: () => new MyProcessor() }, so that each task gets a processor of its own.`,
    )
  }
  for (const output of node.outputs) if (output === '') problems.push(`Node '${node.name}' has an output without a name.`)
  return problems
}
