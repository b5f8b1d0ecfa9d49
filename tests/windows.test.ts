import { rm } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import {
  type AppDefinition,
  defineApp,
  type RuntimeEvent,
  serdes,
  type SessionStoreDefinition,
  silentLogger,
  start,
  TopologyBuilder,
  type WindowStoreDefinition,
} from 'millrace'
import { leveldb } from 'millrace/leveldb'
import { inMemory, memory } from 'millrace/memory'
import { LogClient } from './support/log-client.ts'
import { Random } from './support/random.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const MINUTE = 60_000
const applicationId = 'windows'
const text = { key: serdes.string, value: serdes.string }
const count = { key: serdes.string, value: serdes.safeInt64 }
const options = { ...count, retentionMs: 10 * MINUTE }
const guarantees = ['at-least-once', 'exactly-once'] as const
const kinds = [
  ['leveldb', leveldb],
  ['memory', inMemory],
] as const

/** Counts by key and minute, a batch or a record at a time. */
function windowTopology(windows: WindowStoreDefinition<string, number>, single = false) {
  const builder = new TopologyBuilder('by-minute')
  const clicks = builder.source('clicks', { topics: ['clicks'], ...text })
  const windowOf = (key: string, timestamp: number) => ({ key, start: timestamp - (timestamp % MINUTE) })
  const counted = single
    ? clicks.process<string, number>(
        'count',
        async ({ key, timestamp }, context) => {
          const [now] = await context.store(windows).updateBatch([windowOf(key, timestamp)], (value = 0) => value + 1)
          context.forward({ key, value: now ?? -1, timestamp })
        },
        { stores: [windows] },
      )
    : clicks.processBatch<string, number>(
        'count',
        async (batch, context) => {
          const asked = batch.keys.map((key, i) => windowOf(key, batch.timestamp(i)))
          const values = await context.store(windows).updateBatch(asked, (value = 0) => value + 1)
          context.forwardBatch({ keys: batch.keys, values: values.map((value) => value ?? -1) })
        },
        { stores: [windows] },
      )
  counted.sink('counts', { topic: 'counts', ...count })
  return builder.build()
}

/** Joins what is no more than a minute apart. */
function sessionTopology(sessions: SessionStoreDefinition<string, number>) {
  const builder = new TopologyBuilder('sessions')
  builder.source('clicks', { topics: ['clicks'], ...text }).process<string, string>(
    'join',
    async ({ key, timestamp }, context) => {
      const store = context.store(sessions)
      let joined = { key, start: timestamp, end: timestamp }
      let sum = 1
      for await (const [session, value] of store.findSessions(key, { earliestEnd: timestamp - MINUTE, latestStart: timestamp + MINUTE })) {
        joined = { key, start: Math.min(joined.start, session.start), end: Math.max(joined.end, session.end) }
        sum += value
        store.delete(session)
      }
      store.set(joined, sum)
    },
    { stores: [sessions] },
  )
  return builder.build()
}

async function setUp() {
  const folder = await temporaryFolder()
  const transport = memory()
  const log = await LogClient.open(transport)
  await log.createTopics({ clicks: 2, counts: 2 })
  return {
    folder: folder.path,
    log,
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

/** Runs until all is done, looks, and closes. */
async function looked<T>(opening: ReturnType<typeof start>, look: (app: Awaited<typeof opening>) => Promise<T>): Promise<T> {
  const app = await opening
  const running = app.run()
  await app.caughtUp()
  await app.idle()
  const seen = await look(app)
  await app.close()
  await running
  return seen
}

async function allOf<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  const found: T[] = []
  for await (const page of pages) found.push(...page)
  return found
}

/** Clicks of some keys, roughly in the order of time, some of them too late. */
function someClicks(howMany: number, random: Random) {
  return Array.from({ length: howMany }, (_, i) => ({
    key: `k${random.below(5)}`,
    value: '',
    timestamp: Math.max(0, i * 3_000 - random.below(random.below(20) === 0 ? 15 * MINUTE : MINUTE)),
  }))
}

describe.each(kinds)('windows on %s', (kind, stores) => {
  // Of each of two tasks: begun, completed. On disk nothing is missing.
  const restoredAfterStop = kind === 'memory' ? 4 : 0
  const windows = stores.windowStore({ name: 'windows', windowSizeMs: MINUTE, ...options })
  const sessions = stores.sessionStore({ name: 'sessions', ...options })

  test.each(guarantees)(
    'are the same after a restart with state kept, and restored from the changelog (%s)',
    async (processingGuarantee) => {
      await using all = await setUp()
      const open = (overrides: Partial<AppDefinition> = {}) => all.open(windowTopology(windows), { processingGuarantee, ...overrides })
      await all.log.write('clicks', text, someClicks(600, new Random()))
      const read = (app: Awaited<ReturnType<typeof open>>) => allOf(app.store(windows).fetchAllPages())
      const before = await looked(open(), read)
      expect(before.length).toBeGreaterThan(20)
      const kept: RuntimeEvent[] = []
      expect(await looked(open({ observer: (event) => void (event.type === 'restore' && kept.push(event)) }), read)).toEqual(before)
      expect(kept).toHaveLength(restoredAfterStop)
      await rm(all.folder, { recursive: true })
      const restored: RuntimeEvent[] = []
      const observer = (event: RuntimeEvent) => void (event.type === 'restore' && event.phase === 'completed' && restored.push(event))
      expect(await looked(open({ observer }), read)).toEqual(before)
      expect(restored).toHaveLength(2)
    },
  )

  test('are followed where they are not, and taken over as they are', async () => {
    await using all = await setUp()
    const phases: string[] = []
    const observer = (event: RuntimeEvent) => void (event.type === 'standby' && phases.push(event.phase))
    const one = await all.open(windowTopology(windows), { hotStandby: true })
    const running = one.run()
    await one.caughtUp()
    const two = await all.open(windowTopology(windows), { hotStandby: true, observer })
    const following = two.run()
    await expect.poll(() => [one, two].map((app) => app.health().tasks.length)).toEqual([1, 1])
    await all.log.write('clicks', text, someClicks(600, new Random()))
    // Each knows only of its own commits that they are on its disk.
    await Promise.all([one.caughtUp(), two.caughtUp()])
    const shown = async (...apps: (typeof one)[]) => {
      const entries = await Promise.all(apps.map((app) => allOf(app.store(windows).fetchAllPages())))
      return entries
        .flat()
        .map((entry) => JSON.stringify(entry))
        .toSorted()
    }
    const before = await shown(one, two)
    expect(before.length).toBeGreaterThan(20)
    await expect.poll(() => phases).toContain('caught-up')
    await one.close()
    await running
    await expect.poll(() => two.health().tasks.length).toBe(2)
    await two.idle()
    expect(await shown(two)).toEqual(before)
    expect(phases.at(-1)).toBe('handed-over')
    await two.close()
    await following
  })

  test('of sessions are joined as their records come, and restored', async () => {
    await using all = await setUp()
    const at = [0, 30_000, 5 * MINUTE, 80_000, 7 * MINUTE, 6 * MINUTE]
    await all.log.write(
      'clicks',
      text,
      at.map((timestamp) => ({ key: 'a', value: '', timestamp })),
    )
    const read = async (app: Awaited<ReturnType<typeof all.open>>) => {
      const found = []
      for await (const entry of app.store(sessions).findSessions('a')) found.push(entry)
      return found
    }
    const expected = [
      [{ key: 'a', start: 0, end: 80_000 }, 3],
      [{ key: 'a', start: 5 * MINUTE, end: 7 * MINUTE }, 3],
    ]
    expect(await looked(all.open(sessionTopology(sessions)), read)).toEqual(expected)
    await rm(all.folder, { recursive: true })
    expect(await looked(all.open(sessionTopology(sessions)), read)).toEqual(expected)
  })
})

test('a batch does to windows what its records do one by one, with those that come too late', async () => {
  const random = new Random()
  const clicks = someClicks(1_000, random)
  const seen = []
  for (const [single, size] of [
    [true, 1],
    [false, 7],
    [false, 1_000],
  ] as const) {
    await using all = await setUp()
    await all.log.write('clicks', text, clicks)
    const windows = leveldb.windowStore({ name: 'windows', windowSizeMs: MINUTE, ...options })
    const state = await looked(all.open(windowTopology(windows, single), { batch: { size, timeoutMs: 20 } }), (app) =>
      allOf(app.store(windows).fetchAllPages()),
    )
    const put = (await all.log.readAll('counts', count)).map(({ key, value, timestamp }) => `${key} ${timestamp} ${value}`)
    seen.push({ state, put: put.toSorted() })
  }
  expect(seen[1], `seed ${random.seed}`).toEqual(seen[0])
  expect(seen[2], `seed ${random.seed}`).toEqual(seen[0])
  expect(seen[0]?.put.some((line) => line.endsWith(' -1'))).toBe(true)
})

test('local rows of another retention or kind of store are set aside, and restored', async () => {
  await using all = await setUp()
  await all.log.write('clicks', text, someClicks(200, new Random()))
  const windows = (retentionMs: number) => leveldb.windowStore({ name: 'windows', windowSizeMs: MINUTE, ...count, retentionMs })
  const [short, long] = [windows(10 * MINUTE), windows(60 * MINUTE)]
  const before = await looked(all.open(windowTopology(short)), (app) => allOf(app.store(short).fetchAllPages()))
  const reasons: unknown[] = []
  const logger = { ...silentLogger, error: (fields: object) => void reasons.push(fields) }
  const after = await looked(all.open(windowTopology(long), { logger }), (app) => allOf(app.store(long).fetchAllPages()))
  expect(reasons).toHaveLength(2)
  expect(reasons[0]).toMatchObject({ reason: expect.stringContaining("laid out as 'window, kept for 600000 ms'") as unknown })
  expect(after).toEqual(expect.arrayContaining(before))
})
