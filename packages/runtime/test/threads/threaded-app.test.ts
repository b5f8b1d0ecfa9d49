import { setTimeout as pause } from 'node:timers/promises'
import { MessageChannel } from 'node:worker_threads'
import {
  deferred,
  ManualClock,
  MillraceError,
  type RecordBatch,
  serdes,
  type SessionStoreDefinition,
  TopologyBuilder,
  viewColumn,
  type WindowStoreDefinition,
} from '@millrace/core'
import { leveldb } from '@millrace/store-leveldb'
import { inMemory } from '@millrace/store-memory'
import { memory, type MemoryOperation, type MemoryTransport } from '@millrace/transport-memory'
import { describe, expect, test } from 'vitest'
import type { StartedThread } from '../../src/threads/app-thread.ts'
import { startHere } from './support/threads-here.ts'

const MINUTE = 60_000
const count = { key: serdes.string, value: serdes.safeInt64 }
const counts = leveldb.keyValueStore({ name: 'counts', ...count })
const times = inMemory.timestampedKeyValueStore({ name: 'times', ...count })
const windows: WindowStoreDefinition<string, number> = inMemory.windowStore({
  ...{ name: 'windows', windowSizeMs: MINUTE, retentionMs: 60 * MINUTE },
  ...count,
})
const sessions: SessionStoreDefinition<string, number> = inMemory.sessionStore({ name: 'sessions', retentionMs: 60 * MINUTE, ...count })
const stores = [counts, times, windows, sessions]

/** Counts by key in a store of each shape. */
function countingTopology() {
  const builder = new TopologyBuilder('counting')
  builder
    .source('in', { topics: ['in'], key: serdes.string, value: serdes.string })
    .processBatch<string, number>(
      'count',
      async (batch: RecordBatch<string, string>, context) => {
        const values = await context.store(counts).updateBatch(batch.keys, (now = 0) => now + 1)
        for (let i = 0; i < batch.length; i++) {
          const key = batch.keys[i] as string
          const timestamp = batch.timestamp(i)
          context.store(times).set(key, { value: values[i] as number, timestamp })
          context.store(windows).set({ key, start: timestamp }, values[i] as number)
          context.store(sessions).set({ key, start: timestamp, end: timestamp + 1 }, values[i] as number)
        }
        context.forwardBatch({ keys: batch.keys, values })
      },
      { stores },
    )
    .sink('out', { topic: 'out', ...count })
  return builder.build()
}

const keys = Array.from({ length: 40 }, (_, i) => `key-${i}`)
const context = { logger: { debug() {}, info() {}, warn() {}, error() {} } }

/** Writes each key once, at minute `round`. */
async function writeRound(transport: MemoryTransport, round: number): Promise<void> {
  await using writer = await transport.openWriter({ clientId: 'input' }, context)
  const column = viewColumn(keys.map((key) => Buffer.from(key)))
  await writer.writeBatch({ topic: 'in', length: keys.length, keys: column, values: column, timestamps: keys.map(() => round * MINUTE) })
  await writer.flush()
}

async function opened(transport: MemoryTransport): Promise<void> {
  await using admin = await transport.openAdmin(context)
  await admin.createTopics([
    { topic: 'in', partitions: 4 },
    { topic: 'out', partitions: 4 },
  ])
}

async function allOf<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  const all: T[] = []
  for await (const page of pages) all.push(...page)
  return all
}

/** Entries, a page each. */
async function* inOne<T>(entries: AsyncIterable<T>): AsyncGenerator<readonly T[]> {
  for await (const entry of entries) yield [entry]
}

describe('an application in threads', () => {
  test('is one: its tasks are spread, all state is found, metrics and lag are those of all, and it ends as one', async () => {
    const transport = memory()
    await opened(transport)
    const { app, events } = await startHere({ topology: countingTopology(), transport })
    const states: string[] = []
    app.onStateChange((to) => states.push(to))
    const running = app.run()
    await writeRound(transport, 1)
    await app.caughtUp()
    await writeRound(transport, 2)
    await app.caughtUp()
    await app.idle()

    const health = app.health()
    expect(health).toMatchObject({ state: 'running', healthy: true, error: undefined })
    expect(health.tasks.map(({ task }) => task).toSorted()).toEqual(['0_0', '0_1', '0_2', '0_3'])
    expect(health.threads?.map(({ thread, state, tasks }) => ({ thread, state, tasks: tasks.length }))).toEqual([
      { thread: 1, state: 'running', tasks: 2 },
      { thread: 2, state: 'running', tasks: 2 },
    ])
    expect(new Map((await app.inspect.lag()).map(({ task, lag }) => [task, lag]))).toEqual(new Map([0, 1, 2, 3].map((i) => [`0_${i}`, 0])))
    expect((await app.inspect.stores()).filter(({ store }) => store === 'counts').reduce((sum, { entries }) => sum + entries, 0)).toBe(40)
    expect(await app.inspect.locate('counts', 'key-7')).toMatchObject({ here: true })

    const found = app.store(counts)
    expect(await found.getBatch([...keys, 'no such key'])).toEqual([...keys.map(() => 2), undefined])
    expect(await found.get('key-3')).toBe(2)
    expect(await found.approximateSize()).toBe(40)
    expect((await allOf(found.rangePages({ from: 'key-1', to: 'key-2' }, 3))).map(([key]) => key).toSorted()).toEqual(
      keys.filter((key) => key >= 'key-1' && key < 'key-2').toSorted(),
    )
    expect((await allOf(found.prefixPages(Buffer.from('key-3')))).map(([key]) => key).toSorted()).toEqual(
      keys.filter((key) => key.startsWith('key-3')).toSorted(),
    )
    expect(await app.store(times).get('key-9')).toEqual({ value: 2, timestamp: 2 * MINUTE })
    const window = app.store(windows)
    expect(await window.get({ key: 'key-4', start: MINUTE })).toBe(1)
    expect(await allOf(inOne(window.fetch('key-4', { from: 2 * MINUTE })))).toEqual([[{ key: 'key-4', start: 2 * MINUTE }, 2]])
    expect((await window.fetchBatch(['key-1', 'none']))[0]?.map(([, value]) => value)).toEqual([1, 2])
    expect(await allOf(window.fetchAllPages({ to: 2 * MINUTE }, 7))).toHaveLength(40)
    const session = app.store(sessions)
    expect(await allOf(inOne(session.findSessions('key-2', { earliestEnd: 2 * MINUTE })))).toEqual([
      [{ key: 'key-2', start: 2 * MINUTE, end: 2 * MINUTE + 1 }, 2],
    ])
    expect(await session.findSessionsBatch(['none'])).toEqual([[]])
    expect(() => app.store(leveldb.keyValueStore({ name: 'others', ...count }))).toThrow("The topology has no store 'others'")

    await app.close()
    await running
    expect(states.slice(0, 2)).toEqual(['rebalancing', 'running'])
    expect(states.slice(-3)).toEqual(['running', 'pending-shutdown', 'not-running'])
    const processed = events.flatMap((event) => (event.type === 'cut' ? [event] : []))
    expect(new Set(processed.map(({ partition }) => partition))).toEqual(new Set([0, 1, 2, 3]))
    expect(processed.reduce((sum, { records }) => sum + records, 0)).toBe(80)
    await expect(app.idle()).rejects.toMatchObject({ code: 'NOT_RUNNING' })
  })

  test('a scan that nobody reads on is let go', async () => {
    const transport = memory()
    await opened(transport)
    const { app } = await startHere({ topology: countingTopology(), transport })
    void app.run()
    await writeRound(transport, 1)
    await app.caughtUp()
    for await (const page of app.store(counts).rangePages({}, 1)) {
      expect(page).toHaveLength(1)
      break
    }
    // Nothing of it keeps the threads from closing their stores.
    await app.close()
  })

  test('changes of batching reach all threads, wrong ones none', async () => {
    const transport = memory()
    await opened(transport)
    const { app, events } = await startHere({ topology: countingTopology(), transport })
    void app.run()
    await writeRound(transport, 1)
    await app.caughtUp()
    app.updateBatching({ size: 1 })
    expect(() => app.updateBatching({ size: -1 })).toThrow("Batching can't be changed")
    // Behind it at each thread's port.
    await app.commit()
    const before = events.length
    await writeRound(transport, 2)
    await app.caughtUp()
    await app.close()
    const cut = events.slice(before).flatMap((event) => (event.type === 'cut' ? [event.records] : []))
    expect(cut).toEqual(keys.map(() => 1))
    expect(events.filter(({ type }) => type === 'batching')).toHaveLength(1)
  })

  test('what the engine of one thread stops for stops the application, with that error', async () => {
    const transport = memory()
    await opened(transport)
    const builder = new TopologyBuilder('failing')
    builder
      .source('in', { topics: ['in'], key: serdes.string, value: serdes.string })
      .process('fail', (record, ctx) => {
        if (record.key === 'key-5') throw new RangeError('not this one')
        ctx.forward(record)
      })
      .sink('out', { topic: 'out', key: serdes.string, value: serdes.string })
    const definition = { failure: { retry: { initialDelayMs: 0, maxDelayMs: 0 } } }
    const { app, events } = await startHere({ topology: builder.build(), transport, definition })
    const running = app.run()
    running.catch(() => undefined)
    await writeRound(transport, 1)
    await expect(running).rejects.toMatchObject({ code: 'PROCESSING_FAILED', topic: 'in', cause: { message: 'not this one' } })
    expect(app.state).toBe('error')
    expect(app.health()).toMatchObject({ healthy: false, error: { code: 'PROCESSING_FAILED' } })
    expect(events.filter(({ type }) => type === 'thread').map((event) => 'phase' in event && event.phase)).toEqual(['started', 'started'])
  })

  test('a thread that dies again and again is replaced with growing waits, and at last stops the application', async () => {
    const transport = memory()
    await opened(transport)
    const clock = new ManualClock()
    const deaths: number[] = []
    const started: number[] = []
    const startThread = (number: number, usual: () => StartedThread): StartedThread => {
      started.push(number)
      return number === 1 ? usual() : dyingThread(() => deaths.push(clock.monotonic()))
    }
    const { app, events } = await startHere({
      ...{ topology: countingTopology(), transport, clock, startThread },
      threads: { maxReplacements: 3 },
    })
    const running = app.run()
    running.catch(() => undefined)
    await until(() => deaths.length === 1)
    expect(started).toEqual([1, 2])
    for (const wait of [100, 200, 400]) {
      const before = started.length
      await settled()
      await clock.advance(wait - 1)
      await settled()
      expect(started.length).toBe(before)
      await clock.advance(1)
      await until(() => started.length === before + 1 && deaths.length === started.length - 1)
    }
    await expect(running).rejects.toMatchObject({ code: 'THREAD_DIED', message: expect.stringContaining('4 times') as string })
    expect(started).toEqual([1, 2, 2, 2, 2])
    const told = events.flatMap((event) => (event.type === 'thread' && event.thread === 2 ? [event.phase] : []))
    expect(told).toEqual(['started', 'died', 'started', 'died', 'started', 'died', 'started', 'died'])
  })

  test('a thread that dies stops the application at once where that is asked for; the others finish what they have', async () => {
    const transport = memory()
    await opened(transport)
    const kill = deferred<void>()
    const startThread = (number: number, usual: () => StartedThread) =>
      number === 1 ? usual() : dyingThread(() => undefined, kill.promise)
    const { app } = await startHere({ topology: countingTopology(), transport, startThread, threads: { onFailure: 'stop' } })
    const running = app.run()
    running.catch(() => undefined)
    await writeRound(transport, 1)
    await app.caughtUp()
    kill.resolve()
    await expect(running).rejects.toThrow('this thread is gone')
    expect(app.state).toBe('error')
  })

  test('what goes wrong while a thread closes is what close rejects with', async () => {
    let broken = false
    const before = (operation: MemoryOperation): void => {
      if (broken && operation.type === 'commit') throw new MillraceError('REFUSED', 'not this commit', { stage: 'commit' })
    }
    const transport = memory({ faults: { before } })
    await opened(transport)
    const { app, events } = await startHere({ topology: countingTopology(), transport, definition: { commit: { intervalMs: 3_600_000 } } })
    const cut = () => events.reduce((sum, event) => sum + (event.type === 'cut' ? event.records : 0), 0)
    const running = app.run()
    running.catch(() => undefined)
    await until(() => app.state === 'running')
    await writeRound(transport, 1)
    await app.caughtUp()
    await writeRound(transport, 2)
    await until(() => cut() === 80)
    broken = true
    await expect(app.close()).rejects.toMatchObject({ message: expect.stringContaining('not this commit') as string })
    await expect(running).rejects.toMatchObject({ stage: 'commit' })
    expect(app.state).toBe('error')
  })

  test('a thread that hangs at the end is ended by force, and close says so', async () => {
    const transport = memory()
    await opened(transport)
    const clock = new ManualClock()
    const ended: number[] = []
    const startThread = (number: number, usual: () => StartedThread) =>
      number === 1 ? usual() : hangingThread(() => ended.push(clock.monotonic()))
    const { app } = await startHere({ topology: countingTopology(), transport, startThread, clock, definition: { revokeTimeoutMs: 1_000 } })
    const running = app.run()
    running.catch(() => undefined)
    const closing = app.close()
    closing.catch(() => undefined)
    await settled()
    await clock.advance(12_999)
    await settled()
    expect(ended).toEqual([])
    await clock.advance(1)
    await expect(closing).rejects.toMatchObject({ code: 'THREAD_STUCK', message: expect.stringContaining('Thread 2') as string })
    expect(ended).toHaveLength(1)
    expect(app.state).toBe('error')
    await expect(running).rejects.toMatchObject({ code: 'THREAD_STUCK' })
  })
})

/** Says that it is ready and does what it is asked to, but for closing. */
function hangingThread(onTerminate: () => void): StartedThread {
  const { port1, port2 } = new MessageChannel()
  const gone = deferred<Error>()
  port2.on('message', ({ ask, name }: { readonly ask?: number; readonly name?: string }) => {
    if (ask !== undefined && name !== 'close' && name !== 'run') port2.postMessage({ answer: ask, value: undefined })
  })
  port2.postMessage({ news: { type: 'ready' } })
  const terminate = async () => {
    onTerminate()
    port2.close()
    gone.resolve(new Error('it was ended'))
  }
  return { channel: port1, gone: gone.promise, terminate, utilization: () => 1 }
}

/** Says that it is ready, and is gone when it is to run, or when it is told. */
function dyingThread(onDeath: () => void, when?: Promise<void>): StartedThread {
  const { port1, port2 } = new MessageChannel()
  const gone = deferred<Error>()
  const die = () => {
    onDeath()
    gone.resolve(new Error('this thread is gone'))
    port2.close()
  }
  port2.on('message', ({ ask, name }: { readonly ask?: number; readonly name?: string }) => {
    if (name === 'run') void (when ?? Promise.resolve()).then(die)
    else if (ask !== undefined) port2.postMessage({ answer: ask, value: undefined })
  })
  port2.postMessage({ news: { type: 'ready' } })
  return { channel: port1, gone: gone.promise, terminate: async () => gone.resolve(new Error('ended')), utilization: () => 0 }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(1)
}

async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve))
}
