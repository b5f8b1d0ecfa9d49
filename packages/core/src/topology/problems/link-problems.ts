import type { BuilderGraph, Link, UnlinkedNode } from '../builder-graph.ts'

/** Connections that can't be: unknown nodes and outputs, children of sinks, parents of sources. */
export function linkProblems(graph: BuilderGraph): string[] {
  const byName = new Map<string, UnlinkedNode>(graph.nodes.map((node) => [node.name, node]))
  const problems: string[] = []
  const seen = new Set<string>()
  for (const link of graph.links) {
    const id = JSON.stringify([link.parent, link.child, link.output])
    if (seen.has(id)) problems.push(`'${link.parent}' is connected to '${link.child}'${via(link)} twice.`)
    else problems.push(...problemsOf(link, byName))
    seen.add(id)
  }
  return problems
}

function problemsOf(link: Link, byName: ReadonlyMap<string, UnlinkedNode>): string[] {
  const { parent, child, output } = link
  const from = byName.get(parent)
  const to = byName.get(child)
  const problems: string[] = []
  for (const [name, node] of [
    [parent, from],
    [child, to],
  ] as const) {
    if (node === undefined) problems.push(`'${parent}' is connected to '${child}', but there is no node '${name}'.`)
  }
  if (from?.kind === 'sink' || from?.kind === 'outside-sink')
    problems.push(`Sink '${parent}' has a child, '${child}'; a sink is where records leave the topology.`)
  if (to?.kind === 'source') problems.push(`Source '${child}' has a parent, '${parent}'; a source gets its records from topics.`)
  const outputs = from?.kind === 'processor' ? from.outputs : []
  if (from !== undefined && output !== '' && !outputs.includes(output)) {
    const declared = outputs.length === 0 ? 'declares none' : `declares ${outputs.map((name) => `'${name}'`).join(', ')}`
    problems.push(`'${child}' is connected to output '${output}' of '${parent}', which ${declared}.`)
  }
  return problems
}

function via({ output }: Link): string {
  return output === '' ? '' : ` by output '${output}'`
}
