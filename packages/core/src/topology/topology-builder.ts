import { TopologyError } from '../errors/topology-error.ts'
import type { AnyStoreDefinition } from '../store/store-definition.ts'
import { BuilderGraph } from './builder-graph.ts'
import { describeMermaid } from './describe-mermaid.ts'
import { describeText } from './describe-text.ts'
import { freezeNode } from './freeze-node.ts'
import { findProblems } from './problems/find-problems.ts'
import type { SourceOptions } from './source-options.ts'
import { Stream } from './stream.ts'
import { splitSubTopologies } from './sub-topologies.ts'
import type { Topology } from './topology.ts'

/**
 * Puts a topology together: sources, processors, sinks.
 *
 * ```ts with=names
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

  /** `name` stands in errors and in the description. */
  constructor(name: string) {
    this.name = name
  }

  /** Reads topics: every record's key and value as the serdes say. */
  source<K, V>(name: string, options: SourceOptions<K, V>): Stream<K, V> {
    this.#graph.addSource(name, options as unknown as SourceOptions<unknown, unknown>)
    return new Stream<K, V>(this.#graph, name)
  }

  /** The handle of a node by its name, which may be added later. Nothing checks that its records have the types you say. */
  stream<K, V>(name: string): Stream<K, V> {
    return new Stream<K, V>(this.#graph, name)
  }

  /**
   * Connects two nodes by name, besides what the handles connect: a node may have several parents. `output` is a named output of the parent;
   * default: its default output. Nothing checks the types.
   */
  connect(parent: string, child: string, output = ''): this {
    this.#graph.connect(parent, child, output)
    return this
  }

  /** Adds a store for nodes given by name, besides the `stores` they name themselves. */
  addStore(store: AnyStoreDefinition, ...nodes: readonly string[]): this {
    this.#graph.addStore(store, nodes)
    return this
  }

  /** Everything that is wrong, one sentence each; none if `build()` will succeed. */
  validate(): readonly string[] {
    return findProblems(this.name, this.#graph)
  }

  /** The finished topology, frozen: what the builder is used for afterwards doesn't change it. Throws a {@link TopologyError} with every problem. */
  build(): Topology {
    const problems = this.validate()
    if (problems.length > 0) throw new TopologyError(this.name, problems)
    const nodes = Object.freeze(this.#graph.linked().map(freezeNode))
    const subTopologies = splitSubTopologies(nodes)
    const stores = Object.freeze([...new Set(subTopologies.flatMap((subTopology) => subTopology.stores))])
    return Object.freeze({
      name: this.name,
      nodes,
      subTopologies,
      stores,
      describe: (format: 'text' | 'mermaid' = 'text') => (format === 'mermaid' ? describeMermaid : describeText)(subTopologies),
    })
  }
}
