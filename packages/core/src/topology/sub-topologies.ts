import type { AnyStoreDefinition } from '../store/store-definition.ts'
import { Components } from './components.ts'
import { whySingleRecord } from './single-record.ts'
import { storesOf } from './stores-of.ts'
import type { SubTopology, TopologyNode } from './topology.ts'

/** Splits nodes into what is connected by edges or shares a store, in the order of each part's first source. */
export function splitSubTopologies(nodes: readonly TopologyNode[]): readonly SubTopology[] {
  const components = new Components(nodes.map(({ name }) => name))
  const firstUser = new Map<string, string>()
  for (const node of nodes) {
    for (const { child } of node.edges) components.join(node.name, child)
    for (const store of storesOf(node)) {
      const other = firstUser.get(store.name)
      if (other === undefined) firstUser.set(store.name, node.name)
      else components.join(other, node.name)
    }
  }
  const members = new Map<string, TopologyNode[]>()
  for (const node of nodes) if (node.kind === 'source') members.set(components.of(node.name), [])
  for (const node of nodes) members.get(components.of(node.name))?.push(node)
  return Object.freeze(Array.from(members.values(), subTopology))
}

function subTopology(members: readonly TopologyNode[], index: number): SubTopology {
  const nodes = parentsFirst(members)
  const stores = new Set<AnyStoreDefinition>(nodes.flatMap(storesOf))
  return Object.freeze({
    index,
    nodes: Object.freeze(nodes),
    stores: Object.freeze([...stores]),
    singleRecord: whySingleRecord(nodes),
  })
}

/** Parents before children; otherwise in the order given. There are no cycles. */
function parentsFirst(members: readonly TopologyNode[]): TopologyNode[] {
  const placed = new Set<TopologyNode>()
  const byName = new Map(members.map((node) => [node.name, node]))
  const place = (node: TopologyNode): void => {
    if (placed.has(node)) return
    for (const parent of node.parents) place(byName.get(parent) as TopologyNode)
    placed.add(node)
  }
  for (const node of members) place(node)
  return [...placed]
}
