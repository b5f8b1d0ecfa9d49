import { batchPolicyProblems } from '../batch/batch-policy-problems.ts'
import { numberProblem } from '../internal/number-problem.ts'
import type { BuilderGraph, UnlinkedNode } from './builder-graph.ts'
import type { SourceNode, TopologyNode } from './topology.ts'

/** Everything that is wrong with what a builder was given, one sentence each. */
export function findProblems(topology: string, graph: BuilderGraph): readonly string[] {
  const nodes = graph.linked()
  return [
    ...nameProblems(topology, graph),
    ...linkProblems(graph),
    ...nodes.flatMap((node) => (node.kind === 'source' ? sourceProblems(node) : node.kind === 'processor' ? processorProblems(node) : sinkProblems(node))),
    ...topicProblems(nodes),
    ...storeProblems(nodes),
    ...pathProblems(nodes),
  ]
}

function nameProblems(topology: string, graph: BuilderGraph): string[] {
  const problems: string[] = []
  if (!isName(topology)) problems.push(`The topology's name is ${JSON.stringify(topology)}; use a text without control characters.`)
  const seen = new Set<string>()
  for (const { name } of graph.nodes) {
    if (!isName(name)) problems.push(`A node's name is ${JSON.stringify(name)}; use a text without control characters.`)
    else if (seen.has(name)) problems.push(`There are two nodes named '${name}'; names must be unique.`)
    seen.add(name)
  }
  if (graph.nodes.length === 0) problems.push('The topology is empty; begin with source().')
  return problems
}

function isName(name: unknown): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return typeof name === 'string' && name.trim() !== '' && !/[\u0000-\u001f\u007f]/.test(name)
}

function linkProblems(graph: BuilderGraph): string[] {
  const problems: string[] = []
  const byName = new Map<string, UnlinkedNode>(graph.nodes.map((node) => [node.name, node]))
  const seen = new Set<string>()
  for (const { parent, child, output } of graph.links) {
    const from = byName.get(parent)
    const to = byName.get(child)
    for (const [name, node] of [[parent, from], [child, to]] as const) {
      if (node === undefined) problems.push(`'${parent}' is connected to '${child}', but there is no node '${name}'.`)
    }
    if (from?.kind === 'sink') problems.push(`Sink '${parent}' has a child, '${child}'; a sink is where records leave the topology.`)
    if (to?.kind === 'source') problems.push(`Source '${child}' has a parent, '${parent}'; a source gets its records from topics.`)
    const outputs = from?.kind === 'processor' ? from.outputs : []
    if (from !== undefined && output !== '' && !outputs.includes(output)) {
      const declared = outputs.length === 0 ? 'declares none' : `declares ${outputs.map((name) => `'${name}'`).join(', ')}`
      problems.push(`'${child}' is connected to output '${output}' of '${parent}', which ${declared}.`)
    }
    const link = JSON.stringify([parent, child, output])
    if (seen.has(link)) problems.push(`'${parent}' is connected to '${child}' twice.`)
    seen.add(link)
  }
  return problems
}

function sourceProblems(node: SourceNode): string[] {
  const { name, startAt, timestamp } = node
  const problems: string[] = []
  if (node.topics.length === 0) problems.push(`Source '${name}' has no topics.`)
  for (const ref of node.topics) {
    if (ref.kind === 'name') problems.push(...topicNameProblems(`Source '${name}'`, ref.topic))
    if (ref.kind === 'repartition') {
      if (ref.partitions !== undefined) {
        const problem = numberProblem(`partitions of repartition '${name}'`, ref.partitions, { min: 1, max: 100_000 })
        if (problem !== undefined) problems.push(problem)
      }
      if (!/^[a-zA-Z0-9._-]{1,100}$/.test(name)) {
        problems.push(`A repartition is named '${name}', which becomes part of a topic's name; use letters, digits, '.', '_' and '-'.`)
      }
    }
  }
  problems.push(...serdeProblems(`Source '${name}'`, node))
  if (!(startAt === 'earliest' || startAt === 'latest' || (startAt instanceof Date && !Number.isNaN(startAt.getTime())))) {
    problems.push(`Source '${name}' has startAt ${String(startAt)}; use 'earliest', 'latest' or a valid Date.`)
  }
  if (timestamp !== undefined && typeof timestamp !== 'function') problems.push(`Source '${name}' has a timestamp extractor that is no function.`)
  problems.push(...batchPolicyProblems(`Source '${name}': batch`, node.batch))
  return problems
}

function processorProblems(node: TopologyNode & { kind: 'processor' }): string[] {
  const problems: string[] = []
  if (typeof node.create !== 'function') {
    problems.push(`Node '${node.name}' has no factory; give a function, or { create: () => new MyProcessor() }, so that every task gets a processor of its own.`)
  }
  for (const store of node.stores) {
    if (typeof store?.name !== 'string' || typeof store.open !== 'function') problems.push(`Node '${node.name}' names a store that is not a store definition.`)
  }
  for (const output of node.outputs) if (output === '') problems.push(`Node '${node.name}' has a named output without a name.`)
  return problems
}

function sinkProblems(node: TopologyNode & { kind: 'sink' }): string[] {
  const problems: string[] = []
  if (typeof node.topic === 'object' && node.topic.kind === 'name') problems.push(...topicNameProblems(`Sink '${node.name}'`, node.topic.topic))
  // A repartition's source has said the same already.
  if (typeof node.topic === 'function' || node.topic.kind === 'name') problems.push(...serdeProblems(`Sink '${node.name}'`, node))
  if (node.partitioner !== undefined && typeof node.partitioner !== 'function') problems.push(`Sink '${node.name}' has a partitioner that is no function.`)
  return problems
}

function serdeProblems(who: string, node: { readonly key: unknown; readonly value: unknown }): string[] {
  return (['key', 'value'] as const).flatMap((part) => {
    const serde = node[part] as { serialize?: unknown; deserialize?: unknown } | undefined
    const good = typeof serde?.serialize === 'function' && typeof serde.deserialize === 'function'
    return good ? [] : [`${who} has no ${part} serde; give one of serdes, such as serdes.string.`]
  })
}

function topicNameProblems(who: string, topic: unknown): string[] {
  if (typeof topic === 'string' && /^[a-zA-Z0-9._-]{1,249}$/.test(topic) && topic !== '.' && topic !== '..') return []
  return [`${who} names the topic ${JSON.stringify(topic)}; Kafka allows 1 to 249 letters, digits, '.', '_' and '-'.`]
}

function topicProblems(nodes: readonly TopologyNode[]): string[] {
  const problems: string[] = []
  const reader = new Map<string, string>()
  const sources = nodes.filter((node) => node.kind === 'source')
  for (const { name, topics } of sources) {
    for (const ref of topics) {
      const key = ref.kind === 'name' ? ref.topic : ref.kind === 'pattern' ? String(ref.pattern) : `repartition ${ref.name}`
      const other = reader.get(key)
      if (other !== undefined) problems.push(`Topic ${ref.kind === 'pattern' ? key : `'${key}'`} is read by source '${other}' and again by '${name}'; let one source read it, and connect both ways to that.`)
      else reader.set(key, name)
    }
  }
  for (const { name, topics } of sources) {
    for (const ref of topics) {
      if (ref.kind !== 'pattern') continue
      for (const other of sources) {
        for (const named of other.topics) {
          if (other.name === name || named.kind !== 'name' || typeof named.topic !== 'string') continue
          ref.pattern.lastIndex = 0
          if (ref.pattern.test(named.topic)) problems.push(`The pattern ${String(ref.pattern)} of source '${name}' matches topic '${named.topic}' of source '${other.name}'.`)
        }
      }
    }
  }
  return problems
}

function storeProblems(nodes: readonly TopologyNode[]): string[] {
  const problems: string[] = []
  const definitions = new Map<string, unknown>()
  for (const node of nodes) {
    if (node.kind !== 'processor') continue
    for (const store of node.stores) {
      const other = definitions.get(store?.name)
      if (other !== undefined && other !== store) problems.push(`Node '${node.name}' names store '${store.name}', but another definition has that name too; define it once and use that.`)
      definitions.set(store?.name, store)
    }
  }
  return problems
}

/** Cycles, and nodes that no record can reach. */
function pathProblems(nodes: readonly TopologyNode[]): string[] {
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const problems: string[] = []
  const state = new Map<string, 'open' | 'done'>()
  const visit = (name: string, path: readonly string[]): void => {
    if (state.get(name) === 'done') return
    if (state.get(name) === 'open') {
      const circle = [...path.slice(path.indexOf(name)), name]
      problems.push(`Records would go round in a circle: ${circle.map((one) => `'${one}'`).join(' -> ')}.`)
      return
    }
    state.set(name, 'open')
    for (const { child } of byName.get(name)?.edges ?? []) visit(child, [...path, name])
    state.set(name, 'done')
  }
  for (const { name } of nodes) visit(name, [])
  const reached = new Set(nodes.filter(({ kind }) => kind === 'source').map(({ name }) => name))
  for (const name of reached) for (const { child } of byName.get(name)?.edges ?? []) reached.add(child)
  for (const { name, kind } of nodes) if (!reached.has(name)) problems.push(`No record can reach ${kind} '${name}': connect it, directly or through others, to a source.`)
  return problems
}
