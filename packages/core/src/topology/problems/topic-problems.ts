import type { SourceNode, TopologyNode } from '../topology.ts'

/** Topics that two sources read: each record would belong to two tasks. */
export function topicProblems(nodes: readonly TopologyNode[]): string[] {
  const problems: string[] = []
  const sources = nodes.filter((node) => node.kind === 'source')
  const readers = new Map<string, string>()
  for (const { name, topics } of sources) {
    for (const ref of topics) {
      // Repartitions of one name are nodes of one name, and reported as such.
      if (ref.kind === 'repartition') continue
      const topic = ref.kind === 'name' ? `topic '${ref.topic}'` : `pattern ${String(ref.pattern)}`
      const other = readers.get(topic)
      if (other === name) problems.push(`Source '${name}' names ${topic} twice.`)
      else if (other !== undefined)
        problems.push(`Sources '${other}' and '${name}' both read ${topic}; let one read it, and put both ways behind that.`)
      else readers.set(topic, name)
    }
    problems.push(...matchProblems(name, topics, sources))
  }
  return problems
}

/** A pattern that matches a topic which is named, by the same source or another one. */
function matchProblems(name: string, topics: SourceNode['topics'], sources: readonly SourceNode[]): string[] {
  const problems: string[] = []
  for (const ref of topics) {
    if (ref.kind !== 'pattern') continue
    // A copy: a pattern with flags g or y changes when it is tested.
    const pattern = new RegExp(ref.pattern.source)
    for (const other of sources) {
      for (const named of other.topics) {
        if (named.kind !== 'name' || typeof named.topic !== 'string' || !pattern.test(named.topic)) continue
        const owner = other.name === name ? 'which it names too' : `which source '${other.name}' reads`
        problems.push(`The pattern ${String(ref.pattern)} of source '${name}' matches topic '${named.topic}', ${owner}.`)
      }
    }
  }
  return problems
}
