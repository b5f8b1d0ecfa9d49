import type { AnyStoreDefinition } from '../store/store-definition.ts'
import type { SubTopology, TopologyNode } from './topology.ts'

/** Splits nodes into what is connected by edges or shares a store, in the order of each part's first node. */
export function splitSubTopologies(nodes: readonly TopologyNode[]): readonly SubTopology[] {
  const groupOf = new Map<string, string>(nodes.map(({ name }) => [name, name]))
  const find = (name: string): string => {
    const parent = groupOf.get(name) as string
    return parent === name ? name : find(parent)
  }
  const join = (a: string, b: string) => groupOf.set(find(b), find(a))
  const firstUser = new Map<string, string>()
  for (const node of nodes) {
    for (const { child } of node.edges) join(node.name, child)
    for (const { name } of storesOf(node)) {
      const other = firstUser.get(name)
      if (other === undefined) firstUser.set(name, node.name)
      else join(other, node.name)
    }
  }
  const groups = new Map<string, TopologyNode[]>()
  for (const node of nodes) {
    const group = find(node.name)
    const known = groups.get(group)
    if (known === undefined) groups.set(group, [node])
    else known.push(node)
  }
  return Object.freeze([...groups.values()].map((members, index) => subTopology(index, members)))
}

function subTopology(index: number, members: readonly TopologyNode[]): SubTopology {
  const stores = new Map<string, AnyStoreDefinition>()
  for (const node of members) for (const store of storesOf(node)) if (!stores.has(store.name)) stores.set(store.name, store)
  return Object.freeze({
    index,
    nodes: Object.freeze(parentsFirst(members)),
    stores: Object.freeze([...stores.values()]),
    singleRecord: whySingleRecord(members),
  })
}

/** Parents before children; otherwise as given. */
function parentsFirst(members: readonly TopologyNode[]): TopologyNode[] {
  const ordered: TopologyNode[] = []
  const placed = new Set<string>()
  while (ordered.length < members.length) {
    const next = members.find((node) => !placed.has(node.name) && node.parents.every((parent) => placed.has(parent)))
    if (next === undefined) throw new Error('A cycle reached the ordering of nodes.')
    placed.add(next.name)
    ordered.push(next)
  }
  return ordered
}

/** Two nodes that one pass reaches and that share a store would see each other's writes in another order than record by record. */
function whySingleRecord(members: readonly TopologyNode[]): string | undefined {
  const byName = new Map(members.map((node) => [node.name, node]))
  for (const source of members) {
    if (source.kind !== 'source') continue
    const users = new Map<string, string>()
    for (const name of reachable(source.name, byName)) {
      for (const store of storesOf(byName.get(name) as TopologyNode)) {
        const other = users.get(store.name)
        if (other !== undefined) return `nodes '${other}' and '${name}' share store '${store.name}' and are both reached from source '${source.name}'`
        users.set(store.name, name)
      }
    }
  }
  return undefined
}

function reachable(start: string, byName: ReadonlyMap<string, TopologyNode>): Set<string> {
  const seen = new Set([start])
  for (const name of seen) for (const { child } of (byName.get(name) as TopologyNode).edges) seen.add(child)
  return seen
}

export function storesOf(node: TopologyNode): readonly AnyStoreDefinition[] {
  return node.kind === 'processor' ? node.stores : []
}
