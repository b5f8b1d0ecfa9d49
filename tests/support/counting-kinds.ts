import { type App, BatchCountAggregator, serdes, type SessionKey, type Topology, TopologyBuilder, type WindowKey } from 'millrace'
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
const count = { name: STORE, key: serdes.string, value: serdes.safeInt64 }
/** Nothing is late, and nothing is old. */
const times = { windowMs: 20_000, graceMs: 3_600_000, retentionMs: 7_200_000 }
const GAP_MS = 2_500

const plain = leveldb.keyValueStore(count)
const timestamped = leveldb.timestampedKeyValueStore(count)
const windows = leveldb.windowStore({ ...count, windowSizeMs: times.windowMs, retentionMs: times.retentionMs })
const sessions = leveldb.sessionStore({ ...count, retentionMs: times.retentionMs })

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

const timestampedKind: CountingKind = {
  kind: 'timestamped',
  topology: (input) => {
    const builder = new TopologyBuilder('counting')
    builder.source('in', { topics: [input], ...text }).process(
      'count',
      ({ key, timestamp }, context) => {
        const store = context.store(timestamped)
        const before = store.get(key) ?? { value: 0, timestamp: 0 }
        store.set(key, { value: before.value + 1, timestamp: Math.max(before.timestamp, timestamp) })
      },
      { stores: [timestamped] },
    )
    return builder.build()
  },
  entries: async (app) => {
    const entries: CountEntry[] = []
    for await (const page of app.store(timestamped).rangePages({})) for (const [key, value] of page) entries.push({ key, ...value })
    return inOrder(entries)
  },
  expected: (records) => {
    const counts = new Map<string, { value: number; timestamp: number }>()
    for (const { key, timestamp } of records) counts.set(key, { value: (counts.get(key)?.value ?? 0) + 1, timestamp })
    return inOrder([...counts].map(([key, value]) => ({ key, ...value })))
  },
}

const windowKind: CountingKind = {
  kind: 'window',
  times,
  topology: (input) => {
    const builder = new TopologyBuilder('counting')
    builder.source('in', { topics: [input], ...text }).process(
      'count',
      ({ key, timestamp }, context) => {
        const store = context.store(windows)
        const window: WindowKey<string> = { key, start: timestamp - (timestamp % times.windowMs) }
        store.set(window, (store.get(window) ?? 0) + 1)
      },
      { stores: [windows] },
    )
    return builder.build()
  },
  entries: async (app) => {
    const entries: CountEntry[] = []
    for await (const page of app.store(windows).fetchAllPages()) for (const [window, value] of page) entries.push({ ...window, value })
    return inOrder(entries)
  },
  expected: (records) => {
    const counts = new Map<string, CountEntry>()
    for (const { key, timestamp } of records) {
      const start = Math.floor(timestamp / times.windowMs) * times.windowMs
      const name = `${key} ${start}`
      counts.set(name, { key, start, value: (counts.get(name)?.value ?? 0) + 1 })
    }
    return inOrder([...counts.values()])
  },
}

const sessionKind: CountingKind = {
  kind: 'session',
  times: { ...times, windowMs: GAP_MS },
  topology: (input) => {
    const builder = new TopologyBuilder('counting')
    builder.source('in', { topics: [input], ...text }).process(
      'count',
      async ({ key, timestamp }, context) => {
        const store = context.store(sessions)
        let merged: SessionKey<string> = { key, start: timestamp, end: timestamp }
        let value = 1
        for await (const [session, before] of store.findSessions(key, {
          earliestEnd: timestamp - GAP_MS,
          latestStart: timestamp + GAP_MS,
        })) {
          merged = { key, start: Math.min(merged.start, session.start), end: Math.max(merged.end, session.end) }
          value += before
          store.delete(session)
        }
        store.set(merged, value)
      },
      { stores: [sessions] },
    )
    return builder.build()
  },
  entries: async (app) => {
    const entries: CountEntry[] = []
    for await (const page of app.store(sessions).fetchAllPages()) for (const [session, value] of page) entries.push({ ...session, value })
    return inOrder(entries)
  },
  // They come in the order of time: only the last session of a key can be added to.
  expected: (records) => {
    const ended: CountEntry[] = []
    const open = new Map<string, Required<Omit<CountEntry, 'timestamp'>>>()
    for (const { key, timestamp } of records) {
      const last = open.get(key)
      const goesOn = last !== undefined && timestamp - last.end <= GAP_MS
      if (last !== undefined && !goesOn) ended.push(last)
      open.set(key, goesOn ? { ...last, end: timestamp, value: last.value + 1 } : { key, start: timestamp, end: timestamp, value: 1 })
    }
    return inOrder([...ended, ...open.values()])
  },
}

export const countingKinds: readonly CountingKind[] = [keyValue, timestampedKind, windowKind, sessionKind]
