import type { TopologyNode } from '../topology.ts'

/** Cycles, and nodes that no record can reach. */
export function pathProblems(nodes: readonly TopologyNode[]): string[] {
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const problems = cycleProblems(nodes, byName)
  const reached = new Set(nodes.filter(({ kind }) => kind === 'source').map(({ name }) => name))
  // A Set is walked in order, also over what is added on the way.
  for (const name of reached) for (const { child } of byName.get(name)?.edges ?? []) reached.add(child)
  for (const { name, kind } of nodes) {
    if (!reached.has(name)) problems.push(`No record can reach ${kind} '${name}': connect it, directly or through others, to a source.`)
  }
  return problems
}

function cycleProblems(nodes: readonly TopologyNode[], byName: ReadonlyMap<string, TopologyNode>): string[] {
  const problems: string[] = []
  const done = new Set<string>()
  const path: string[] = []
  const visit = (name: string): void => {
    if (done.has(name)) return
    const at = path.indexOf(name)
    if (at >= 0) {
      const circle = [...path.slice(at), name].map((one) => `'${one}'`).join(' -> ')
      problems.push(`Records would go round in a circle: ${circle}. Let them go through a topic instead.`)
      return
    }
    path.push(name)
    for (const { child } of byName.get(name)?.edges ?? []) visit(child)
    path.pop()
    done.add(name)
  }
  for (const { name } of nodes) visit(name)
  return problems
}
