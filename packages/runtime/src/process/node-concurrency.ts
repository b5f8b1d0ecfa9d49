import type { DetectedProcessor, Ordering, ProcessorNode, ResolvedDefinition, Serde, SourceNode, TopologyNode } from '@millrace/core'

/** How a node processes several records at once. */
export interface RunningConcurrency {
  readonly ordering: Ordering
  /** Records in flight, at most. */
  readonly limit: number
  /** Tells keys that are objects apart. */
  readonly keySerde: Serde<unknown>
}

/**
 * What the node and the application say together; undefined: one record at a time, or whole batches. Throws a `TypeError` for a node that asks for
 * it and has no processor of single records.
 */
export function concurrencyOf(
  node: ProcessorNode,
  processor: DetectedProcessor,
  nodes: readonly TopologyNode[],
  defaults: ResolvedDefinition['concurrency'],
): RunningConcurrency | undefined {
  const { ordering, asyncBatch, maxConcurrency } = node.concurrency
  const asked = ordering !== 'partition' || asyncBatch === true
  if (asked && processor.process === undefined) {
    const what = ordering === 'partition' ? 'asyncBatch' : `ordering '${ordering}'`
    throw new TypeError(
      `Node '${node.name}' has ${what}, but its processor has only processBatch, which is given a batch as a whole: give it a process, or leave ${what} out.`,
    )
  }
  const byDefault = asyncBatch === undefined && defaults.asyncBatch && processor.kind === 'single' && node.stores.length === 0
  if (!asked && !byDefault) return undefined
  return { ordering, limit: maxConcurrency ?? defaults.maxConcurrency, keySerde: sourceBefore(node, nodes).key }
}

/** The first source that a node's records come from. */
function sourceBefore(node: TopologyNode, nodes: readonly TopologyNode[]): SourceNode {
  let at = node
  while (at.kind !== 'source') {
    const [parent] = at.parents
    at = nodes.find(({ name }) => name === parent) as TopologyNode
  }
  return at
}
