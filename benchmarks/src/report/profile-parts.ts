import type { PlainTable } from './plain-table.ts'

/** The part of V8's format that is read: Chrome's developer tools have the rest. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[]
  /** The node that was running, at each sample. */
  readonly samples: readonly number[]
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[]
}

interface ProfileNode {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string }
  readonly children?: readonly number[]
}

/** Microseconds a record, by part, in the order of {@link PARTS}. */
export type ProfileParts = Readonly<Record<string, number>>

const PROFILER = /^dispatch$/

/** What a thread of JavaScript does, by where the code lies; the first that fits. */
const PARTS: readonly { readonly part: string; readonly names?: RegExp; readonly urls?: RegExp }[] = [
  { part: 'waiting', names: /^\(idle\)$/ },
  { part: 'garbage collection', names: /^\(garbage collector\)$/ },
  // Who makes messages of what was read is native code that nobody in JavaScript has called.
  { part: 'the client: reading', names: /^\(program\)$/, urls: /kafka-javascript\/lib\/kafka-consumer|kafkajs\/.*consumer/ },
  { part: 'the client: writing', urls: /kafka-javascript\/lib\/producer|kafkajs\/.*producer/ },
  { part: 'the client: others', urls: /kafka-javascript|\/kafkajs\// },
  { part: 'LevelDB', urls: /classic-level|abstract-level/ },
  { part: 'transport-memory', urls: /\/transport-memory\// },
  { part: 'transport-kafka', urls: /\/transport-kafka\// },
  { part: 'store-leveldb', urls: /\/store-leveldb\// },
  { part: 'core: source and batch', urls: /\/core\/.*\/(source|batch|serde|transport)\// },
  { part: 'core: others', urls: /\/core\// },
  { part: 'runtime: source and batch', urls: /\/runtime\/.*\/(source|batch)\// },
  { part: 'runtime: process', urls: /\/runtime\/.*\/(process|task|failure)\// },
  { part: 'runtime: store', urls: /\/runtime\/.*\/(store|standby)\// },
  { part: 'runtime: sink and commit', urls: /\/runtime\/.*\/(sink|commit)\// },
  { part: 'runtime: others', urls: /\/runtime\// },
  { part: 'the program', urls: /\/benchmarks\// },
]
const OTHERS = 'others'

/** Where the time of each record went, by itself: what a function calls counts for what it calls, unless that is of Node's own. */
export function profileParts({ nodes, samples, timeDeltas }: CpuProfile, records: number): ProfileParts {
  const partOf = new Map<number, string>()
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const visit = (node: ProfileNode, inherited: string): void => {
    const part = ownPart(node) ?? inherited
    partOf.set(node.id, part)
    for (const child of node.children ?? []) visit(byId.get(child) as ProfileNode, part)
  }
  const [root] = nodes
  if (root !== undefined) visit(root, OTHERS)
  const micros = new Map<string, number>()
  samples.forEach((id, i) => {
    if (PROFILER.test(byId.get(id)?.callFrame.functionName ?? '')) return
    const part = partOf.get(id) ?? OTHERS
    micros.set(part, (micros.get(part) ?? 0) + (timeDeltas[i] as number))
  })
  const order = [...PARTS.map(({ part }) => part), OTHERS]
  return Object.fromEntries(order.filter((part) => micros.has(part)).map((part) => [part, (micros.get(part) as number) / records]))
}

/** Undefined for Node's own code and for the root: it works for whoever called it. */
function ownPart({ callFrame: { functionName, url } }: ProfileNode): string | undefined {
  return PARTS.find(({ names, urls }) => (names?.test(functionName) ?? false) || (urls?.test(url) ?? false))?.part
}

export interface ProgramProfile {
  readonly title: string
  readonly parts: ProfileParts
}

/** A column a program. */
export function profileTable(what: string, profiles: readonly ProgramProfile[]): PlainTable {
  const order = [...PARTS.map(({ part }) => part), OTHERS].filter((part) => profiles.some(({ parts }) => parts[part] !== undefined))
  const sum = (parts: ProfileParts) => order.reduce((total, part) => total + (part === 'waiting' ? 0 : (parts[part] ?? 0)), 0)
  return {
    title: `Profile, ${what}: microseconds of the thread of JavaScript for each record`,
    head: ['', ...profiles.map(({ title }) => title)],
    rows: [
      ...order.map((part) => [part, ...profiles.map(({ parts }) => (parts[part] === undefined ? '' : parts[part].toFixed(2)))]),
      ['all but waiting', ...profiles.map(({ parts }) => sum(parts).toFixed(2))],
    ],
  }
}
