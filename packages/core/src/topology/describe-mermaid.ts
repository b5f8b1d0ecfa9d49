import { topicName } from './describe-text.ts'
import type { SubTopology, TopologyNode } from './topology.ts'

/** A Mermaid flowchart: sub-topologies as frames, topics as slanted boxes, stores as cylinders. */
export function describeMermaid(subTopologies: readonly SubTopology[]): string {
  const ids = new Map<string, string>()
  const id = (what: string): string => {
    if (!ids.has(what)) ids.set(what, `n${ids.size}`)
    return ids.get(what) as string
  }
  const topics = new Map<string, string>()
  const frames: string[] = []
  const links: string[] = []
  const topic = (name: string) => {
    topics.set(id(`topic ${name}`), name)
    return id(`topic ${name}`)
  }
  for (const { index, nodes, stores } of subTopologies) {
    const lines = nodes.map((node) => `    ${id(`node ${node.name}`)}["${escape(node.name)}"]`)
    for (const { name } of stores) lines.push(`    ${id(`store ${name}`)}[("${escape(name)}")]`)
    frames.push(`  subgraph sub${index}["Sub-topology ${index}"]\n${lines.join('\n')}\n  end`)
    for (const node of nodes) links.push(...linksOf(node, id, topic))
  }
  const topicLines = [...topics].map(([key, name]) => `  ${key}[/"${escape(name)}"/]`)
  return ['flowchart LR', ...frames, ...topicLines, ...links].join('\n') + '\n'
}

function linksOf(node: TopologyNode, id: (what: string) => string, topic: (name: string) => string): string[] {
  const own = id(`node ${node.name}`)
  const links = node.edges.map(({ child, output }) => `  ${own} ${output === '' ? '-->' : `-->|"${escape(output)}"|`} ${id(`node ${child}`)}`)
  if (node.kind === 'source') for (const ref of node.topics) links.unshift(`  ${topic(topicName(ref))} --> ${own}`)
  if (node.kind === 'processor') for (const { name } of node.stores) links.push(`  ${own} <-.-> ${id(`store ${name}`)}`)
  if (node.kind === 'sink') links.push(`  ${own} --> ${topic(typeof node.topic === 'function' ? `chosen by ${node.name}` : topicName(node.topic))}`)
  return links
}

function escape(label: string): string {
  return label.replace(/[&"<>#]/g, (character) => `#${character.charCodeAt(0)};`)
}
