import { topicLabel } from './topic-label.ts'
import type { SubTopology, TopicRef, TopologyNode } from './topology.ts'

/** A Mermaid flowchart: a frame for each sub-topology, topics between them, stores as cylinders. */
export function describeMermaid(subTopologies: readonly SubTopology[]): string {
  return new Flowchart(subTopologies).text()
}

/** Names may hold anything, so that boxes get ids of their own. */
class Flowchart {
  readonly #frames: string[] = []
  readonly #topics: string[] = []
  readonly #arrows: string[] = []
  readonly #ids = new Map<string, string>()

  constructor(subTopologies: readonly SubTopology[]) {
    for (const subTopology of subTopologies) this.#frame(subTopology)
    for (const { nodes } of subTopologies) for (const node of nodes) this.#connect(node)
  }

  text(): string {
    return `${['flowchart TD', ...this.#frames, ...this.#topics, ...this.#arrows].join('\n')}\n`
  }

  #frame({ index, nodes, stores }: SubTopology): void {
    this.#frames.push(`  subgraph sub${index}["Sub-topology: ${index}"]`)
    for (const { name } of nodes) this.#frames.push(`    ${this.#id('node', name)}["${escape(name)}"]`)
    for (const { name } of stores) this.#frames.push(`    ${this.#id('store', name)}[("${escape(name)}")]`)
    this.#frames.push('  end')
  }

  #connect(node: TopologyNode): void {
    const id = this.#id('node', node.name)
    if (node.kind === 'source') for (const ref of node.topics) this.#arrows.push(`  ${this.#topic(ref)} --> ${id}`)
    for (const { output, child } of node.edges) {
      const label = output === '' ? '' : `|"${escape(output)}"|`
      this.#arrows.push(`  ${id} -->${label} ${this.#id('node', child)}`)
    }
    if (node.kind === 'processor') for (const { name } of node.stores) this.#arrows.push(`  ${id} <-.-> ${this.#id('store', name)}`)
    if (node.kind === 'sink')
      this.#arrows.push(`  ${id} --> ${typeof node.topic === 'function' ? this.#chosenBy(node.name) : this.#topic(node.topic)}`)
  }

  #topic(ref: TopicRef): string {
    return this.#topicBox(`${ref.kind === 'pattern' ? 'pattern' : 'topic'} ${topicLabel(ref)}`, topicLabel(ref))
  }

  /** A sink that chooses the topic of each record. */
  #chosenBy(sink: string): string {
    return this.#topicBox(`chosen by ${sink}`, `chosen by ${sink}`)
  }

  #topicBox(key: string, label: string): string {
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    const id = `topic${this.#topics.length}`
    this.#ids.set(key, id)
    this.#topics.push(`  ${id}[/"${escape(label)}"/]`)
    return id
  }

  #id(kind: 'node' | 'store', name: string): string {
    const key = `${kind} ${name}`
    const id = this.#ids.get(key) ?? `${kind}${this.#ids.size}`
    this.#ids.set(key, id)
    return id
  }
}

/** Mermaid's entities are `#` and a code: everything that could end a label or be taken for markup. */
function escape(label: string): string {
  return label.replace(/[^\p{L}\p{N} ._/:-]/gu, (character) => `#${character.codePointAt(0)};`)
}
