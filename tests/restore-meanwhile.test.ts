import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { defineKeyValueStore, type KeyValueStoreDefinition } from '@millrace/core'
import { type App, defineApp, type RuntimeEvent, serdes, silentLogger, start, TopologyBuilder } from 'millrace'
import { leveldb } from 'millrace/leveldb'
import { memory, type MemoryTransport } from 'millrace/memory'
import { digestOfBigState, Digester, recordsOf, writeBigState } from './support/big-state.ts'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { aroundWrites } from './support/around-writes.ts'

const KEYS = 20_000
const applicationId = 'meanwhile'
const text = { key: serdes.string, value: serdes.string }

/** A gate that the writes of a store wait at, from its second on. */
class Gate {
  readonly #reached: Promise<void>
  readonly #opened: Promise<void>
  open: () => void = () => undefined
  #reach: () => void = () => undefined
  #writes = 0

  constructor() {
    this.#opened = new Promise((resolve) => {
      this.open = resolve
    })
    this.#reached = new Promise((resolve) => {
      this.#reach = resolve
    })
  }

  /** Resolves when a write waits. */
  get reached(): Promise<void> {
    return this.#reached
  }

  before(store: KeyValueStoreDefinition<string, string>): KeyValueStoreDefinition<string, string> {
    return defineKeyValueStore({
      ...store,
      open: async (where) =>
        aroundWrites(await store.open(where), async (write) => {
          if (this.#writes++ > 0) {
            this.#reach()
            await this.#opened
          }
          await write()
        }),
    })
  }
}

/** A big store that is filled from its changelog, a small one, and a task without any. */
async function startApp(transport: MemoryTransport, stateDir: string, gate: Gate) {
  const big = gate.before(leveldb.keyValueStore({ name: 'big', ...text }))
  const small = leveldb.keyValueStore({ name: 'small', ...text })
  const builder = new TopologyBuilder('meanwhile')
  builder
    .source('big-in', { topics: ['big'], ...text })
    .process('keep', { create: () => ({ process: (record, context) => context.store(big).set(record.key, record.value) }), stores: [big] })
  builder
    .source('small-in', { topics: ['small'], ...text })
    .process<string, string>('remember', {
      create: () => ({
        process: (record, context) => {
          const all = (context.store(small).get(record.key) ?? '') + record.value
          context.store(small).set(record.key, all)
          context.forward({ ...record, value: all })
        },
      }),
      stores: [small],
    })
    .sink('remembered', { topic: 'out', ...text })
  builder.source('plain-in', { topics: ['plain'], ...text }).sink('copied', { topic: 'out', ...text })
  const events: RuntimeEvent[] = []
  const app = await start(
    defineApp({
      topology: builder.build(),
      applicationId,
      transport,
      stateDir,
      logger: silentLogger,
      batch: { timeoutMs: 1 },
      commit: { intervalMs: 10 },
      observer: (event) => events.push(event),
    }),
  )
  const running = app.run()
  return {
    app,
    events,
    /** Of the big store. */
    phases: () => events.flatMap((event) => (event.type === 'restore' && event.store === 'big' ? event.phase : [])),
    digest: async () => {
      const digester = new Digester()
      for await (const page of app.store(big).rangePages({})) for (const [key, value] of page) digester.add(key, value)
      return digester.digest
    },
    async [Symbol.asyncDispose]() {
      gate.open()
      await app.close()
      await running
    },
  }
}

async function someInput() {
  const transport = memory()
  const log = await LogClient.open(transport)
  await log.createTopics({ big: 2, small: 1, plain: 1, out: 1 })
  await log.admin.createTopics([{ topic: `${applicationId}-big-changelog`, partitions: 2 }])
  await writeBigState(transport, `${applicationId}-big-changelog`, KEYS)
  return { transport, log }
}

/** Resolves when there are so many records in the output. */
async function outputOf(log: LogClient, count: number, app: App): Promise<(readonly [string, string])[]> {
  for (;;) {
    const output = await log.readAll('out', text)
    if (output.length >= count) return output.map(({ key, value }) => [key, value] as const)
    // Whatever is finished so far; and nobody else would get a turn.
    await app.commit()
    await setImmediate()
  }
}

const restored = (events: readonly RuntimeEvent[], phase: 'completed' | 'interrupted') =>
  events.reduce((sum, event) => (event.type === 'restore' && event.phase === phase ? sum + event.restoredRecords : sum), 0)

describe('while a big store is restored', () => {
  test('tasks without stores, and those whose stores are there, process', async () => {
    await using folder = await temporaryFolder()
    const { transport, log } = await someInput()
    await using _log = log
    const gate = new Gate()
    await using running = await startApp(transport, folder.path, gate)
    await gate.reached
    await log.write('plain', text, [{ key: 'a', value: '1' }])
    expect(await outputOf(log, 1, running.app)).toEqual([['a', '1']])
    await log.write('small', text, [
      { key: 'b', value: '1' },
      { key: 'b', value: '2' },
    ])
    expect(await outputOf(log, 3, running.app)).toEqual([
      ['a', '1'],
      ['b', '1'],
      ['b', '12'],
    ])
    expect(running.app.state).toBe('rebalancing')
    expect(running.phases()).not.toContain('completed')
    gate.open()
    await running.app.idle()
    expect(await running.digest()).toEqual(digestOfBigState(KEYS))
  })

  test('records of its own input wait, and are processed on top of it', async () => {
    await using folder = await temporaryFolder()
    const { transport, log } = await someInput()
    await using _log = log
    const gate = new Gate()
    await using running = await startApp(transport, folder.path, gate)
    await gate.reached
    const partitions = [0, 1]
    await log.write(
      'big',
      text,
      partitions.map((partition) => ({ key: `late-${partition}`, value: 'x', partition })),
    )
    await log.write('plain', text, [{ key: 'a', value: '1' }])
    await outputOf(log, 1, running.app)
    expect(await log.committed(applicationId, 'big')).toEqual([undefined, undefined])
    gate.open()
    await running.app.caughtUp()
    expect((await running.digest()).entries).toBe(digestOfBigState(KEYS).entries + 2)
    expect(await log.committed(applicationId, 'big')).toEqual([1, 1])
  })
})

describe('a restore that is interrupted', () => {
  test('by closing goes on where it was in the next run, and has not said that it was complete', async () => {
    await using folder = await temporaryFolder()
    const { transport, log } = await someInput()
    await using _log = log
    const gate = new Gate()
    let first: RuntimeEvent[]
    {
      await using running = await startApp(transport, folder.path, gate)
      await gate.reached
      const closing = running.app.close()
      gate.open()
      await closing
      expect(running.phases()).not.toContain('completed')
      expect(running.phases().filter((phase) => phase === 'interrupted')).toHaveLength(2)
      first = running.events
    }
    const opened = new Gate()
    opened.open()
    await using running = await startApp(transport, folder.path, opened)
    await running.app.idle()
    expect(restored(first, 'interrupted')).toBeGreaterThan(0)
    expect(restored(running.events, 'completed')).toBe(recordsOf(KEYS) - restored(first, 'interrupted'))
    expect(await running.digest()).toEqual(digestOfBigState(KEYS))
  })

  test('by a rebalance goes on with what is left, and the other member restores what it was given', async () => {
    await using folder = await temporaryFolder()
    await using otherFolder = await temporaryFolder()
    const { transport, log } = await someInput()
    await using _log = log
    const gate = new Gate()
    await using running = await startApp(transport, folder.path, gate)
    await gate.reached
    const opened = new Gate()
    opened.open()
    await using other = await startApp(transport, otherFolder.path, opened)
    // Nothing can be given up while it is being written to.
    gate.open()
    await Promise.all([running.app.idle(), other.app.idle()])
    const [one, two] = [await running.digest(), await other.digest()]
    const whole = digestOfBigState(KEYS)
    expect({ entries: one.entries + two.entries, sum: one.sum + two.sum, xor: one.xor ^ two.xor }).toEqual(whole)
  })
})
