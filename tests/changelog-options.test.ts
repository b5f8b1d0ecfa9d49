import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoreBackend } from '@millrace/core'
import { openLevelDb } from '@millrace/store-leveldb'
import { describe, expect, test } from 'vitest'
import {
  BatchCountAggregator,
  type ChangelogOptions,
  defineKeyValueStore,
  MillraceError,
  serdes,
  silentLogger,
  TopologyBuilder,
} from 'millrace'
import { leveldb } from 'millrace/leveldb'
import { inMemory } from 'millrace/memory'
import { applicationId, changelogRun, finish, whileRunning } from './support/changelog-run.ts'
import type { LogClient } from './support/log-client.ts'
import { countWords, someLines } from './support/word-count-topology.ts'
import { aroundWrites } from './support/around-writes.ts'

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

describe('a store without a changelog', () => {
  test('has no topic, and its state is there after a restart', async () => {
    await using all = await changelogRun()
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
    await using all = await changelogRun()
    const steps: string[] = []
    const { topology } = countTopology(false, async (folder) => {
      return aroundWrites(await openLevelDb({ name: 'counts', folder }), async (write, { synced }) => {
        steps.push(`state${synced === true ? ', synced' : ''}`)
        await write()
      })
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
    await using all = await changelogRun()
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
    await using all = await changelogRun()
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
    await using all = await changelogRun()
    const { topology, counts } = countTopology(false)
    await all.log.write('words', text, records)
    await finish(await all.open(topology))
    await rm(all.folder, { recursive: true })
    await all.log.write('words', text, [{ key: 'new', value: '' }])
    const app = await all.open(topology)
    expect(await whileRunning(app, () => app.store(counts).approximateSize())).toBe(1)
  })

  test('that gets one is set aside: the entries are not in it', async () => {
    await using all = await changelogRun()
    await all.log.write('words', text, records)
    await finish(await all.open(countTopology(false).topology))
    const { topology, counts } = countTopology(undefined)
    const errors: unknown[] = []
    const app = await all.open(topology, { logger: { ...silentLogger, error: (fields: object) => void errors.push(fields) } })
    expect(await whileRunning(app, () => app.store(counts).approximateSize())).toBe(0)
    expect(errors).toMatchObject([{ reason: expect.stringContaining('kept without a changelog') as unknown }])
  })

  test('keeps what was changed without any input', async () => {
    await using all = await changelogRun()
    const counts = leveldb.keyValueStore({ name: 'counts', ...count, changelog: false })
    const builder = new TopologyBuilder('begins')
    builder.source('words', { topics: ['words'], ...text }).process<string, number>('count', {
      create: () => ({
        init: (context) => context.store(counts).set('begun', (context.store(counts).get('begun') ?? 0) + 1),
        process: () => undefined,
      }),
      stores: [counts],
    })
    for (const times of [1, 2]) {
      const app = await all.open(builder.build())
      const began = await whileRunning(app, async () => {
        await app.commit()
        await app.commit()
        return app.store(counts).get('begun')
      })
      expect(began).toBe(times)
    }
  })

  test('is refused beside one that has one: what lies between would be counted twice', async () => {
    await using all = await changelogRun()
    const [without, other] = [false as const, undefined].map((changelog, i) =>
      leveldb.keyValueStore({ name: `s${i}`, ...count, changelog }),
    )
    const stores = [without, other] as NonNullable<typeof other>[]
    const builder = new TopologyBuilder('mixed')
    builder.source('words', { topics: ['words'], ...text }).process<string, number>('count', () => undefined, { stores })
    await expect(all.open(builder.build())).rejects.toThrow("Store 's0' has no changelog and 's1' has one, both in sub-topology 0")
  })

  test('begins anew, and says so, when its input was deleted and made anew', async () => {
    await using all = await changelogRun()
    const { topology, counts } = countTopology(false)
    await all.log.write('words', text, records)
    await finish(await all.open(topology))
    await all.log.admin.deleteTopics(['words'])
    await all.log.createTopics({ words: 1 })
    await all.log.write('words', text, [{ key: 'new', value: '' }])
    const errors: string[] = []
    const logger = { ...silentLogger, error: (fields: object, message: string) => void errors.push(`${JSON.stringify(fields)} ${message}`) }
    const app = await all.open(topology, { logger })
    const running = app.run()
    await expect.poll(() => errors.join('\n')).toContain('was deleted and created anew')
    expect(errors[0]).toContain('it has no changelog to be restored from, and begins empty')
    await app.close().catch(() => undefined)
    await running.catch(() => undefined)
    expect(await app.cleanUp().then(() => counts.name)).toBe('counts')
  })

  test('begins anew when its input was made anew, though that is longer than it was', async () => {
    await using all = await changelogRun()
    const { topology, counts } = countTopology(false)
    await all.log.write('words', text, records.slice(0, 100))
    await finish(await all.open(topology))
    await all.log.admin.deleteTopics(['words'])
    await all.log.createTopics({ words: 1 })
    await all.log.write('words', text, records.toReversed())
    const app = await all.open(topology)
    const entries = await whileRunning(app, () => app.store(counts).getBatch([...truth.keys()]))
    expect(new Map([...truth.keys()].map((key, i) => [key, entries[i]]))).toEqual(truth)
  })

  test('that begins anew because of one input is not begun anew for it again', async () => {
    await using all = await changelogRun()
    await all.log.createTopics({ others: 1 })
    const counts = leveldb.keyValueStore({ name: 'counts', ...count, changelog: false })
    const builder = new TopologyBuilder('two')
    builder
      .source('words', { topics: ['words', 'others'], ...text })
      .process('count', { create: () => new BatchCountAggregator(counts), stores: [counts] })
    const topology = builder.build()
    await all.log.write('words', text, records.slice(0, 50))
    await all.log.write('others', text, records.slice(50))
    await finish(await all.open(topology))
    await all.log.admin.deleteTopics(['others'])
    await all.log.createTopics({ others: 1 })
    const reasons: string[] = []
    const logger = { ...silentLogger, error: (fields: object) => void reasons.push(String((fields as { reason?: unknown }).reason)) }
    for (const [key, sizes] of [
      ['once', 1],
      ['twice', 2],
      ['three times', 3],
    ] as const) {
      await all.log.write('words', text, [{ key, value: '' }])
      const app = await all.open(topology, { logger })
      expect(await whileRunning(app, () => app.store(counts).approximateSize())).toBe(sizes)
    }
    expect(reasons).toEqual(["its input 'others' was deleted and created anew"])
  })

  test('of a task that is elsewhere is kept: there is no other copy of it', async () => {
    await using all = await changelogRun()
    const { topology } = countTopology(false)
    await all.log.write('words', text, records)
    const overrides = { state: { cleanupDelayMs: 20 } }
    const first = await all.open(topology, overrides)
    const run = first.run()
    await first.caughtUp()
    const folderOf = (slot: string) => join(all.folder, applicationId, slot, '0_0', 'counts')
    expect(existsSync(folderOf('0'))).toBe(true)
    await first.close()
    await run
    // The one that finds the folder of before joins when the other has the task already.
    const [idle, busy] = [await all.open(topology, overrides), await all.open(topology, overrides)]
    const running = busy.run()
    await busy.caughtUp()
    await busy.idle()
    const waiting = idle.run()
    await new Promise((resolve) => {
      setTimeout(resolve, 200)
    })
    expect(idle.health().tasks).toEqual([])
    expect([existsSync(folderOf('1')), existsSync(folderOf('0'))]).toEqual([true, true])
    await idle.close()
    await busy.close()
    await Promise.all([running, waiting])
  })

  test('is refused under exactly-once', async () => {
    await using all = await changelogRun()
    const opened = all.open(countTopology(false).topology, { processingGuarantee: 'exactly-once' })
    await expect(opened).rejects.toThrow("Store 'counts' has no changelog, which processingGuarantee 'exactly-once' excludes")
  })
})

describe('settings of a changelog', () => {
  test('count over those that Millrace gives it, when it is created', async () => {
    await using all = await changelogRun()
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
    await using all = await changelogRun()
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
