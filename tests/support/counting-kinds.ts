import { type App, BatchCountAggregator, serdes, type Topology, TopologyBuilder } from 'millrace'
import { leveldb } from 'millrace/leveldb'
import { type CountEntry, type CountingRun, inOrder } from './kafka-streams.ts'

/** A record to count. */
export interface Counted {
  readonly key: string
  readonly timestamp: number
}

/** One kind of store, as both sides have it. */
export interface CountingKind {
  readonly kind: CountingRun['kind']
  readonly times?: CountingRun['times']
  /** Counts the records of a topic by key. */
  readonly topology: (input: string) => Topology
  readonly entries: (app: App) => Promise<CountEntry[]>
  /** What the store holds after these records, by an independent count. */
  readonly expected: (records: readonly Counted[]) => CountEntry[]
}

export const STORE = 'counts'
const text = { key: serdes.string, value: serdes.string }

const plain = leveldb.keyValueStore({ name: STORE, key: serdes.string, value: serdes.safeInt64 })

const keyValue: CountingKind = {
  kind: 'key-value',
  topology: (input) => {
    const builder = new TopologyBuilder('counting')
    builder.source('in', { topics: [input], ...text }).process('count', { create: () => new BatchCountAggregator(plain), stores: [plain] })
    return builder.build()
  },
  entries: async (app) => {
    const entries: CountEntry[] = []
    for await (const page of app.store(plain).rangePages({})) for (const [key, value] of page) entries.push({ key, value })
    return inOrder(entries)
  },
  expected: (records) => {
    const counts = new Map<string, number>()
    for (const { key } of records) counts.set(key, (counts.get(key) ?? 0) + 1)
    return inOrder([...counts].map(([key, value]) => ({ key, value })))
  },
}

export const countingKinds: readonly CountingKind[] = [keyValue]
