import type { TopologyNode } from './topology.ts'

/** A node and all that one pass reaches from it. Edges lead to nodes that there are. */
export function reachableFrom(start: TopologyNode, byName: ReadonlyMap<string, TopologyNode>): Set<TopologyNode> {
  const reached = new Set([start])
  // A Set is walked in order, also over what is added on the way.
  for (const node of reached) for (const { child } of node.edges) reached.add(byName.get(child) as TopologyNode)
  return reached
}
