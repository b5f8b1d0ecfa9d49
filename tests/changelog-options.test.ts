import { rm } from 'node:fs/promises'
import type { StoreBackend } from '@millrace/core'
import { openLevelDb } from '@millrace/store-leveldb'
import { describe, expect, test } from 'vitest'
import {
  type App,
  type AppDefinition,
  BatchCountAggregator,
  type ChangelogOptions,
  defineApp,
  defineKeyValueStore,
  MillraceError,
  type RuntimeEvent,
  serdes,
  silentLogger,
  start,
  TopologyBuilder,
} from 'millrace'
import { leveldb } from 'millrace/leveldb'
import { inMemory, memory, type MemoryOperation } from 'millrace/memory'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { countWords, someLines } from './support/word-count-topology.ts'

const applicationId = 'options'
const text = { key: serdes.string, value: serdes.string }
const count = { key: serdes.string, value: serdes.safeInt64 }
const words = someLines(100).flatMap((line) => line.split(' '))
const truth = countWords(words)
const records = words.map((key) => ({ key, value: '' }))

/** Counts words, with the changelog that is asked for. */
function countTopology(changelog: ChangelogOptions | false | undefined, open?: (folder: string) => Promise<StoreBackend>) {
  const counts =
    open === undefined
      ? leveldb.keyValueStore({ name: 'counts', ...count, changelog })
      : defineKeyValueStore({ name: 'counts', ...count, access: 'sync', changelog, open: ({ folder }) => open(folder) })
  const builder = new TopologyBuilder('count')
  builder
    .source('words', { topics: ['words'], ...text })
    .process('count', { create: () => new BatchCountAggregator(counts), stores: [counts] })
    .sink('totals', { topic: 'totals', ...count })
  return { counts, topology: builder.build() }
}

async function setUp() {
  const folder = await temporaryFolder()
  const operations: MemoryOperation[] = []
  const faults: Record<'before' | 'after', (operation: MemoryOperation) => void | Promise<void>> = {
    before: () => undefined,
    after: () => undefined,
  }
  const transport = memory({
    faults: {
      before: (operation) => {
        operations.push(operation)
        return faults.before(operation)
      },
      after: (operation) => faults.after(operation),
    },
  })
  const log = await LogClient.open(transport)
  await log.createTopics({ words: 1, totals: 1 })
  return {
    folder: folder.path,
    log,
    operations,
    fails: (when: 'before' | 'after', fault: (operation: MemoryOperation) => void) => {
      faults[when] = fault
    },
    open: (topology: AppDefinition['topology'], overrides: Partial<AppDefinition> = {}) =>
      start(
        defineApp({
          topology,
          applicationId,
          transport,
          stateDir: folder.path,
          logger: silentLogger,
          batch: { size: 20, timeoutMs: 1 },
          commit: { intervalMs: 10 },
          ...overrides,
        }),
      ),
    async [Symbol.asyncDispose]() {
      await log[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

async function finish(app: App): Promise<void> {
  const running = app.run()
  await app.caughtUp()
  await app.close()
  await running
}

async function whileRunning<T>(app: App, work: () => Promise<T>): Promise<T> {
  const running = app.run()
  await app.caughtUp()
  await app.idle()
  const result = await work()
  await app.close()
  await running
  return result
}

describe('a store without a changelog', () => {
  test('has no topic, and its state is there after a restart', async () => {
    await using all = await setUp()
    const { topology, counts } = countTopology(false)
    await all.log.write('words', text, records)
    await finish(await all.open(topology))
    const app = await all.open(topology)
    const [first] = [...truth.keys()]
    expect(await whileRunning(app, () => app.store(counts).get(first as string))).toBe(truth.get(first as string))
    const created = all.operations.flatMap((operation) => (operation.type === 'create-topics' ? operation.topics : []))
    expect(created.map(({ topic }) => topic)).not.toContain('options-counts-changelog')
    const written = all.operations.flatMap((operation) => (operation.type === 'write' ? operation.topic : []))
    expect(new Set(written)).toEqual(new Set(['words', 'totals']))
  })

  test('is written, and synced, after output is durable and before offsets are committed', async () => {
    await using all = await setUp()
    const steps: string[] = []
    const { topology } = countTopology(false, async (folder) => {
      const backend = await openLevelDb({ name: 'counts', folder })
      const write = backend.write.bind(backend)
      backend.write = async (changes, metadata, synced) => {
        steps.push(`state${synced === true ? ', synced' : ''}`)
        await write(changes, metadata, synced)
      }
      return backend
    })
    await all.log.write('words', text, records)
    all.fails('before', ({ type }) => {
      if (type === 'flush' || type === 'commit') steps.push(type)
    })
    await finish(await all.open(topology, { batch: { size: 1_000, timeoutMs: 50 }, commit: { intervalMs: 3_600_000 } }))
    const last = steps.lastIndexOf('commit')
    const durable = steps.lastIndexOf('flush', last)
    expect(steps.slice(durable, last)).toContain('state, synced')
    expect(steps).not.toContain('state')
  })

  async function lastTotals(log: LogClient): Promise<Map<string, number>> {
    return new Map((await log.readAll('totals', count)).map(({ key, value }) => [key, value]))
  }

  test('goes on where it is when a process dies before its offsets are committed: nothing is counted twice', async () => {
    await using all = await setUp()
    const { topology, counts } = countTopology(false)
    await all.log.write('words', text, records.slice(0, 100))
    const dying = await all.open(topology)
    const died = dying.run()
    await dying.caughtUp()
    all.fails('before', ({ type }) => {
      if (type === 'commit') throw new MillraceError('FAULT', 'it died', { stage: 'commit' })
    })
    await all.log.write('words', text, records.slice(100))
    await expect(died).rejects.toThrow('it died')
    all.fails('before', () => undefined)
    const app = await all.open(topology)
    const entries = await whileRunning(app, () => app.store(counts).getBatch([...truth.keys()]))
    expect(new Map([...truth.keys()].map((key, i) => [key, entries[i]]))).toEqual(truth)
    expect(await lastTotals(all.log)).toEqual(truth)
    expect(await all.log.committed(applicationId, 'words')).toEqual([words.length])
  })

  test.each(['before', 'after'] as const)('recovers where it is from a commit of offsets that fails %s it takes effect', async (when) => {
    await using all = await setUp()
    const { topology, counts } = countTopology(false)
    await all.log.write('words', text, records.slice(0, 100))
    const app = await all.open(topology)
    const running = app.run()
    await app.caughtUp()
    let failed = 0
    all.fails(when, ({ type }) => {
      if (type === 'commit' && failed++ === 0) throw new MillraceError('FAULT', 'no answer', { stage: 'commit', retryable: true })
    })
    await all.log.write('words', text, records.slice(100, 200))
    await expect.poll(() => failed).toBeGreaterThan(0)
    await all.log.write('words', text, records.slice(200))
    await expect.poll(() => failed).toBeGreaterThan(1)
    await app.caughtUp()
    await app.idle()
    const entries = await app.store(counts).getBatch([...truth.keys()])
    await app.close()
    await running
    expect(new Map([...truth.keys()].map((key, i) => [key, entries[i]]))).toEqual(truth)
    expect(await lastTotals(all.log)).toEqual(truth)
  })

  test('begins where the group is when its disk is lost', async () => {
    await using all = await setUp()
    const { topology, counts } = countTopology(false)
    await all.log.write('words', text, records)
    await finish(await all.open(topology))
    await rm(all.folder, { recursive: true })
    await all.log.write('words', text, [{ key: 'new', value: '' }])
    const app = await all.open(topology)
    expect(await whileRunning(app, () => app.store(counts).approximateSize())).toBe(1)
  })

  test('that gets one is set aside: the entries are not in it', async () => {
    await using all = await setUp()
    await all.log.write('words', text, records)
    await finish(await all.open(countTopology(false).topology))
    const { topology, counts } = countTopology(undefined)
    const errors: unknown[] = []
    const app = await all.open(topology, { logger: { ...silentLogger, error: (fields: object) => void errors.push(fields) } })
    expect(await whileRunning(app, () => app.store(counts).approximateSize())).toBe(0)
    expect(errors).toMatchObject([{ reason: expect.stringContaining('kept without a changelog') as unknown }])
  })

  test('is refused under exactly-once', async () => {
    await using all = await setUp()
    const opened = all.open(countTopology(false).topology, { processingGuarantee: 'exactly-once' })
    await expect(opened).rejects.toThrow("Store 'counts' has no changelog, which processingGuarantee 'exactly-once' excludes")
  })
})

describe('settings of a changelog', () => {
  test('count over those that Millrace gives it, when it is created', async () => {
    await using all = await setUp()
    const { topology } = countTopology({ settings: { 'min.cleanable.dirty.ratio': '0.1', 'delete.retention.ms': '1000' } })
    await finish(await all.open(topology))
    const created = all.operations.flatMap((operation) => (operation.type === 'create-topics' ? operation.topics : []))
    expect(created.find(({ topic }) => topic === 'options-counts-changelog')?.config).toEqual({
      'cleanup.policy': 'compact',
      'delete.retention.ms': '1000',
      'message.timestamp.type': 'CreateTime',
      'min.cleanable.dirty.ratio': '0.1',
    })
  })

  test('of a store of windows: they are deleted by age as well, a day after the store has', async () => {
    await using all = await setUp()
    const windows = inMemory.windowStore({ name: 'windows', ...count, windowSizeMs: 1_000, retentionMs: 3_600_000 })
    const builder = new TopologyBuilder('windows')
    builder.source('words', { topics: ['words'], ...text }).process<string, string>('none', () => undefined, { stores: [windows] })
    await finish(await all.open(builder.build()))
    const created = all.operations.flatMap((operation) => (operation.type === 'create-topics' ? operation.topics : []))
    expect(created.find(({ topic }) => topic === 'options-windows-changelog')?.config).toMatchObject({
      'cleanup.policy': 'compact,delete',
      'retention.ms': String(90_000_000),
    })
  })

  test("and a topic that is another's exclude each other", () => {
    expect(() => countTopology({ settings: {}, sourceTopic: 'words' })).toThrow(
      "Store 'counts': its changelog is topic 'words', whose settings are not the store's to make.",
    )
  })
})

describe('an input topic as changelog', () => {
  const price = { key: serdes.string, value: serdes.int32 }
  const fixed = (name: string, overrides: Partial<{ sourceTopic: string }> = {}) =>
    name === 'memory'
      ? inMemory.keyValueStore({ name: 'prices', ...price, changelog: { sourceTopic: 'prices', ...overrides } })
      : leveldb.keyValueStore({ name: 'prices', ...price, changelog: { sourceTopic: 'prices', ...overrides } })

  function tableTopology(prices: ReturnType<typeof fixed>, fails: (key: string) => boolean = () => false) {
    const builder = new TopologyBuilder('table')
    builder
      .source('prices', { topics: ['prices'], key: serdes.string, value: serdes.nullable(serdes.int32) })
      .process<string, number | null>(
        'keep',
        ({ key, value }, context) => {
          if (fails(key)) throw new Error('no')
          if (value === null) context.store(prices).delete(key)
          else context.store(prices).set(key, value)
        },
        { stores: [prices] },
      )
    return builder.build()
  }

  const given = [
    { key: 'a', value: 1 },
    { key: 'b', value: 2 },
    { key: 'a', value: 3 },
    { key: 'b', value: null },
    { key: 'c', value: 4 },
  ]
  const table = { key: serdes.string, value: serdes.nullable(serdes.int32) }

  test.each(['leveldb', 'memory'])('is what the store is restored from (%s): nothing else is made or written', async (kind) => {
    await using all = await setUp()
    await all.log.createTopics({ prices: 1 })
    await all.log.write('prices', table, given)
    const prices = fixed(kind)
    await finish(await all.open(tableTopology(prices)))
    await rm(all.folder, { recursive: true })
    const restored: RuntimeEvent[] = []
    const app = await all.open(tableTopology(prices), {
      observer: (event) => void (event.type === 'restore' && event.phase === 'completed' && restored.push(event)),
    })
    expect(await whileRunning(app, () => app.store(prices).getBatch(['a', 'b', 'c']))).toEqual([3, undefined, 4])
    expect(restored).toMatchObject([{ topic: 'prices', restoredRecords: 5 }])
    expect(all.operations.flatMap((operation) => (operation.type === 'write' ? operation.topic : []))).toEqual(['prices'])
    const created = all.operations.flatMap((operation) => (operation.type === 'create-topics' ? operation.topics : []))
    expect(created.map(({ topic }) => topic)).not.toContain('options-prices-changelog')
  })

  test('is read up to what is committed, and not what is yet to be processed', async () => {
    await using all = await setUp()
    await all.log.createTopics({ prices: 1 })
    await all.log.write('prices', table, given)
    const prices = fixed('leveldb')
    const died = await all.open(
      tableTopology(prices, (key) => key === 'c'),
      { batch: { size: 1, timeoutMs: 0 } },
    )
    await expect(died.run()).rejects.toThrow('no')
    expect(await all.log.committed(applicationId, 'prices')).toEqual([4])
    await rm(all.folder, { recursive: true })
    const restored: RuntimeEvent[] = []
    const app = await all.open(tableTopology(prices), {
      observer: (event) => void (event.type === 'restore' && event.phase === 'completed' && restored.push(event)),
    })
    expect(await whileRunning(app, () => app.store(prices).getBatch(['a', 'b', 'c']))).toEqual([3, undefined, 4])
    expect(restored).toMatchObject([{ to: 4, restoredRecords: 4 }])
  })

  test('that no source reads is refused', async () => {
    await using all = await setUp()
    await all.log.createTopics({ prices: 1 })
    await expect(all.open(tableTopology(fixed('leveldb', { sourceTopic: 'words' })))).rejects.toThrow(
      "Store 'prices' is to be restored from 'words', which no source of sub-topology 0 reads by that name",
    )
  })
})
