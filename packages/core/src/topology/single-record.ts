import { reachableFrom } from './reachable-from.ts'
import { storesOf } from './stores-of.ts'
import type { TopologyNode } from './topology.ts'

/**
 * Why the tasks of these nodes must take records one at a time, if they must: two nodes that one pass reaches and that share a store. With
 * whole batches the first would see the store as of the end of the batch before the second sees it as of its beginning.
 */
export function whySingleRecord(nodes: readonly TopologyNode[]): string | undefined {
  const byName = new Map(nodes.map((node) => [node.name, node]))
  for (const source of nodes) {
    if (source.kind !== 'source') continue
    const users = new Map<string, string>()
    for (const node of reachableFrom(source, byName)) {
      for (const store of storesOf(node)) {
        const other = users.get(store.name)
        if (other !== undefined) {
          return `nodes '${other}' and '${node.name}' share store '${store.name}' and are both reached from source '${source.name}'`
        }
        users.set(store.name, node.name)
      }
    }
  }
  return undefined
}
