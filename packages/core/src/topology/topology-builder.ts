import { TopologyError } from '../errors/topology-error.ts'
import { BuilderGraph, type SourceOptions } from './builder-graph.ts'
import { describeMermaid } from './describe-mermaid.ts'
import { describeText } from './describe-text.ts'
import { Stream } from './stream.ts'
import { splitSubTopologies } from './sub-topologies.ts'
import type { Topology, TopologyNode } from './topology.ts'
import { findProblems } from './find-problems.ts'

/**
 * Puts a topology together: sources, processors, sinks.
 *
 * ```ts
 * const builder = new TopologyBuilder('word-count')
 * builder
 *   .source('lines', { topics: ['lines'], key: serdes.nullable(serdes.string), value: serdes.string })
 *   .flatMap('split', (line) => line.value.split(' ').map((word) => ({ ...line, key: word })))
 *   .sink('words', { topic: 'words', key: serdes.string, value: serdes.string })
 * const topology = builder.build()
 * ```
 */
export class TopologyBuilder {
  readonly name: string
  readonly #graph = new BuilderGraph()

  constructor(name: string) {
    this.name = name
  }

  /** Reads topics: every record's key and value as the serdes say. */
  source<K, V>(name: string, options: SourceOptions<K, V>): Stream<K, V> {
    this.#graph.addSource(name, options as unknown as SourceOptions<unknown, unknown>)
    return new Stream<K, V>(this.#graph, name)
  }

  /** The handle of a node by its name, which may be added later. Its types are what you say. */
  stream<K, V>(name: string): Stream<K, V> {
    return new Stream<K, V>(this.#graph, name)
  }

  /** Connects two nodes by name, beside what the handles connect. `output`: a named output of the parent; default: its default output. */
  connect(parent: string, child: string, output = ''): this {
    this.#graph.connect(parent, child, output)
    return this
  }

  /** Everything that is wrong, one sentence each; nothing if `build()` will succeed. */
  validate(): readonly string[] {
    return findProblems(this.name, this.#graph)
  }

  /** The finished topology. Throws a {@link TopologyError} that lists every problem. */
  build(): Topology {
    const problems = this.validate()
    if (problems.length > 0) throw new TopologyError(this.name, problems)
    const nodes: readonly TopologyNode[] = Object.freeze(this.#graph.linked().map(freezeNode))
    const subTopologies = splitSubTopologies(nodes)
    const stores = Object.freeze([...new Set(subTopologies.flatMap((one) => one.stores))])
    return Object.freeze({
      name: this.name,
      nodes,
      subTopologies,
      stores,
      describe: (format: 'text' | 'mermaid' = 'text') => (format === 'mermaid' ? describeMermaid(subTopologies) : describeText(subTopologies)),
    })
  }
}

function freezeNode(node: TopologyNode): TopologyNode {
  Object.freeze(node.edges)
  node.edges.forEach(Object.freeze)
  Object.freeze(node.parents)
  if (node.kind === 'source') {
    Object.freeze(node.topics)
    node.topics.forEach(Object.freeze)
    Object.freeze(node.batch)
  } else if (node.kind === 'processor') {
    Object.freeze(node.stores)
    Object.freeze(node.outputs)
  } else if (typeof node.topic === 'object') Object.freeze(node.topic)
  return Object.freeze(node)
}
