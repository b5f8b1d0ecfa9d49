import { describeValue } from '../../internal/describe-value.ts'
import type { AnyStoreDefinition } from '../../store/store-definition.ts'
import type { BuilderGraph } from '../builder-graph.ts'
import type { TopologyNode } from '../topology.ts'

/** Stores that are none, that share a name, or that nobody uses. */
export function storeProblems(nodes: readonly TopologyNode[], graph: BuilderGraph): string[] {
  const problems: string[] = []
  for (const node of graph.nodes) {
    if (node.kind !== 'processor' || Array.isArray(node.stores)) continue
    problems.push(`Node '${node.name}': stores is ${describeValue(node.stores)}; use a list of store definitions.`)
  }
  const defined = new Map<string, AnyStoreDefinition>()
  const clashing = new Set<string>()
  const note = (who: string, store: AnyStoreDefinition): void => {
    if (!isStore(store)) {
      problems.push(`${who} names a store that is ${describeValue(store)}; use what keyValueStore({ ... }) returned.`)
      return
    }
    const other = defined.get(store.name)
    if (other !== undefined && other !== store) clashing.add(store.name)
    defined.set(store.name, store)
  }
  for (const node of nodes) if (node.kind === 'processor') for (const store of node.stores) note(`Node '${node.name}'`, store)
  problems.push(...unusedProblems(nodes, graph))
  for (const { store } of graph.storeLinks) note('addStore', store)
  for (const name of clashing) problems.push(`There are several definitions of store '${name}'; define it once and use that everywhere.`)
  return problems
}

function unusedProblems(nodes: readonly TopologyNode[], graph: BuilderGraph): string[] {
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const used = new Set(nodes.flatMap((node) => (node.kind === 'processor' ? node.stores : [])))
  const problems: string[] = []
  for (const { store, nodes: users } of graph.storeLinks) {
    if (!isStore(store)) continue
    for (const user of users) {
      const node = byName.get(user)
      if (node === undefined) problems.push(`Store '${store.name}' was added for '${user}', but there is no such node.`)
      else if (node.kind !== 'processor')
        problems.push(`Store '${store.name}' was added for ${node.kind} '${user}'; only processors use stores.`)
    }
    if (users.length === 0 && !used.has(store))
      problems.push(`Store '${store.name}' was added, but no node uses it; name the nodes that do.`)
  }
  return problems
}

function isStore(store: unknown): store is AnyStoreDefinition {
  const candidate = store as Partial<AnyStoreDefinition> | null | undefined
  return typeof candidate?.name === 'string' && typeof candidate.open === 'function'
}
