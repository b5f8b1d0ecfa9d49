import type { TopologyNode } from './topology.ts'

/** Freezes a node and what belongs to it alone; serdes, stores and functions are the user's. */
export function freezeNode(node: TopologyNode): TopologyNode {
  for (const edge of node.edges) Object.freeze(edge)
  Object.freeze(node.edges)
  Object.freeze(node.parents)
  switch (node.kind) {
    case 'source':
      for (const ref of node.topics) Object.freeze(ref)
      Object.freeze(node.topics)
      Object.freeze(node.batch)
      Object.freeze(node.batch.topics)
      break
    case 'processor':
      Object.freeze(node.stores)
      Object.freeze(node.outputs)
      Object.freeze(node.concurrency)
      break
    case 'sink':
      if (typeof node.topic === 'object') Object.freeze(node.topic)
      break
    case 'outside-sink':
      break
  }
  return Object.freeze(node)
}
