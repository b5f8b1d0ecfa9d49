import type { AnyStoreDefinition } from '../store/store-definition.ts'
import type { TopologyNode } from './topology.ts'

/** The stores a node uses: none, unless it is a processor. */
export function storesOf(node: TopologyNode): readonly AnyStoreDefinition[] {
  return node.kind === 'processor' ? node.stores : []
}
