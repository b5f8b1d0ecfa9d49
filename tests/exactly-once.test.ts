import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import {
  type AppDefinition,
  defineApp,
  defineKeyValueStore,
  MillraceError,
  type ProcessorContext,
  type RuntimeEvent,
  serdes,
  silentLogger,
  start,
  TopologyBuilder,
} from 'millrace'
import { memory, type MemoryFaults, type MemoryOperation } from 'millrace/memory'
import { leveldb } from 'millrace/leveldb'
import { LogClient } from './support/log-client.ts'
import { Random } from './support/random.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { countWords, inputSerdes, outputSerdes, someLines, wordCountTopology } from './support/word-count-topology.ts'
import { aroundWrites } from './support/around-writes.ts'

const group = 'exact'
const counts = leveldb.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })

async function setUp(faults: MemoryFaults = {}) {
  const folder = await temporaryFolder()
  const transport = memory({ faults })
  const log = await LogClient.open(transport)
  await log.createTopics({ lines: 2, 'word-counts': 2 })
  const lines: string[] = []
  const events: RuntimeEvent[] = []
  const define = (overrides: Partial<AppDefinition> = {}) =>
    defineApp({
      topology: wordCountTopology({ counts }),
      applicationId: group,
      transport,
      stateDir: folder.path,
      processingGuarantee: 'exactly-once',
      logger: silentLogger,
      batch: { size: 20, timeoutMs: 1 },
      commit: { intervalMs: 5, records: 40 },
      observer: (event) => events.push(event),
      ...overrides,
    })
  const write = async (count: number) => {
    const more = someLines(count, lines.length + 1)
    lines.push(...more)
    await log.write(
      'lines',
      inputSerdes,
      more.map((value) => ({ key: null, value })),
    )
  }
  const run = async (overrides: Partial<AppDefinition> = {}) => {
    const app = await start(define(overrides))
    await Promise.all([app.run(), app.caughtUp().then(() => app.close())])
  }
  /** The counts of each word in the order they were put out, and its last state, as far as they are committed. */
  const committed = async () => {
    const output = new Map<string, number[]>()
    for (const { key, value } of await log.readAll('word-counts', outputSerdes)) output.set(key, [...(output.get(key) ?? []), value])
    const state = new Map((await log.readAll(`${group}-counts-changelog`, outputSerdes)).map(({ key, value }) => [key, value]))
    return { output, state }
  }
  const dispose = async () => {
    await log[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  }
  return { transport, log, folder, lines, events, define, write, run, committed, [Symbol.asyncDispose]: dispose }
}

type SetUp = Awaited<ReturnType<typeof setUp>>

/** Each word's counts are 1, 2, 3... up to the true one, and its state is the true one. */
async function expectExact({ lines, committed }: SetUp) {
  const { output, state } = await committed()
  const truth = countWords(lines)
  expect(output).toEqual(new Map([...truth].map(([word, count]) => [word, Array.from({ length: count }, (_, i) => i + 1)])))
  expect(state).toEqual(truth)
}

/** Throws at one call of one kind of operation of the application, before it takes effect or before its answer arrives. */
function failingAt(type: MemoryOperation['type'], call: number, when: 'before' | 'after', error = new Error(`${type} failed`)) {
  let seen = 0
  const faults: MemoryFaults = {
    [when]: (operation: MemoryOperation) => {
      if (operation.type === type && 'clientId' in operation && operation.clientId.startsWith(group) && ++seen === call) throw error
    },
  }
  return { faults, failed: () => seen >= call }
}

function abortsOf(events: readonly RuntimeEvent[]) {
  return events.flatMap((event) => (event.type === 'abort' ? event : []))
}

const failures = [
  ['begin', 'before'],
  ['write', 'before'],
  ['write', 'after'],
  ['deliver', 'before'],
  ['flush', 'before'],
  ['flush', 'after'],
  ['send-offsets', 'before'],
  ['send-offsets', 'after'],
  ['commit-transaction', 'before'],
  ['commit-transaction', 'after'],
  ['open-writer', 'after'],
] as const

describe('exactly-once', () => {
  test('of what nothing happens to', async () => {
    await using all = await setUp()
    await all.write(200)
    await all.run()
    await all.write(100)
    await all.run()
    await expectExact(all)
    expect(all.events.filter(({ type }) => type === 'recover')).toEqual([])
    expect(abortsOf(all.events)).toEqual([])
  })

  test.each(failures)('when %s fails, %s it takes effect', async (type, when) => {
    const { faults, failed } = failingAt(type, type === 'open-writer' ? 1 : 4, when)
    await using all = await setUp(faults)
    await all.write(200)
    await all.run().catch(() => undefined)
    expect(failed()).toBe(true)
    await all.run()
    await expectExact(all)
  })

  test.each([
    ['can only be aborted', new MillraceError('TRANSACTION_ABORTABLE', 'It can only be aborted.', { stage: 'commit' })],
    ['was fenced', new MillraceError('PRODUCER_FENCED', 'Another has taken over.', { stage: 'commit' })],
    ['can do nothing more', new MillraceError('KAFKA_FATAL', 'It is over.', { stage: 'commit' })],
    ['got no answer', new MillraceError('TIMED_OUT', 'Nobody answers.', { stage: 'commit', retryable: true })],
    ['is no member any more', new MillraceError('COMMIT_REFUSED', 'Who are you?', { stage: 'commit' })],
  ])('when the writer %s in a commit, all begin anew from what is committed', async (_, error) => {
    for (const type of ['send-offsets', 'commit-transaction'] as const) {
      const { faults, failed } = failingAt(type, 2, 'before', error)
      await using all = await setUp(faults)
      await all.write(200)
      await all.run()
      expect(failed()).toBe(true)
      expect(all.events.filter(({ type: told }) => told === 'recover')).toMatchObject([{ error: { code: error.code } }])
      const [abort, ...others] = abortsOf(all.events)
      expect(abort).toMatchObject({ stage: 'commit', processingGuarantee: 'exactly-once', error: { code: error.code } })
      expect(abort?.tasks.toSorted()).toEqual(['0_0', '0_1', '1_0', '1_1'])
      expect(others).toEqual([])
      await expectExact(all)
    }
  })

  test('a transaction that is aborted is told with the time since the last one that was committed', async () => {
    let failing = false
    await using all = await setUp({
      before: ({ type }) => {
        if (!failing || type !== 'commit-transaction') return
        failing = false
        throw new Error('no answer')
      },
    })
    const app = await start(all.define())
    const running = app.run()
    await app.caughtUp()
    await pause(30)
    const before = performance.now()
    await all.write(20)
    await app.caughtUp()
    const committed = performance.now()
    await pause(30)
    failing = true
    const after = performance.now()
    await all.write(20)
    await app.caughtUp()
    await app.close()
    await running
    const [abort, ...others] = abortsOf(all.events)
    expect(others).toEqual([])
    expect(abort?.error.message).toBe('no answer')
    expect(abort?.durationMs).toBeGreaterThanOrEqual(after - committed)
    expect(abort?.durationMs).toBeLessThan(performance.now() - before)
    await expectExact(all)
  })

  test('when another takes over its transactional id for a moment, it takes it back', async () => {
    await using all = await setUp()
    const app = await start(all.define())
    const running = app.run()
    await all.write(100)
    await app.caughtUp()
    const processId = await readFile(join(all.folder.path, group, '0', 'process-id'), 'utf8')
    const other = await all.transport.openWriter({ clientId: 'other', transactionalId: `${group}-${processId}` }, { logger: silentLogger })
    await other.close()
    await all.write(100)
    await app.caughtUp()
    await app.close()
    await running
    expect(all.events.filter(({ type }) => type === 'recover')).toMatchObject([{ error: { code: 'PRODUCER_FENCED' } }])
    expect(abortsOf(all.events)).toMatchObject([{ error: { code: 'PRODUCER_FENCED' } }])
    await expectExact(all)
  })

  test('when another takes it over again and again, it stops, and says why', async () => {
    await using all = await setUp()
    const app = await start(all.define())
    const running = app.run()
    const ended = running.catch((error: unknown) => error)
    await app.caughtUp().catch(() => undefined)
    const processId = await readFile(join(all.folder.path, group, '0', 'process-id'), 'utf8')
    const open = { clientId: 'other', transactionalId: `${group}-${processId}` }
    let stopped = false
    void ended.then(() => (stopped = true))
    while (!stopped) {
      await using other = await all.transport.openWriter(open, { logger: silentLogger })
      await other.begin()
      await all.write(5)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(await ended).toMatchObject({
      code: 'PRODUCER_FENCED',
      message: expect.stringContaining('Was the state folder copied') as string,
    })
  })

  test.each(Array.from({ length: 8 }, (_, i) => i + 1))('when anything fails at random moments, %i', async (seed) => {
    const random = new Random(seed)
    let quiet = false
    const mayFail = (operation: MemoryOperation) => {
      if (quiet || !('clientId' in operation) || !operation.clientId.startsWith(group) || operation.type === 'poll') return
      if (random.below(60) === 0) throw new Error(`${operation.type} failed`)
    }
    await using all = await setUp({ before: mayFail, after: mayFail })
    for (let round = 0; round < 3; round++) {
      quiet = false
      await all.write(60)
      await all.run().catch(() => undefined)
    }
    quiet = true
    await all.run()
    await expectExact(all)
  })

  test('when a member loses its partitions with output in its transaction, none of that is ever seen', async () => {
    const members: string[] = []
    await using all = await setUp({
      before: (operation) => {
        if (operation.type === 'open-source' && operation.groupId !== undefined) members.push(operation.clientId)
      },
    })
    const first = await start(all.define({ commit: { intervalMs: 200 } }))
    const firstRun = first.run()
    const second = await start(all.define({ commit: { intervalMs: 200 } }))
    const secondRun = second.run()
    for (let round = 0; round < 6; round++) {
      await all.write(40)
      const cut = all.events.length
      while (!all.events.slice(cut).some(({ type }) => type === 'cut')) await new Promise((resolve) => setTimeout(resolve, 1))
      all.transport.expelMember(group, members[round % members.length] as string)
    }
    await first.caughtUp()
    await Promise.all([first.close(), second.close(), firstRun, secondRun])
    expect(all.events.filter(({ type }) => type === 'lost').length).toBeGreaterThan(0)
    await expectExact(all)
  })

  test('output of a wall-clock punctuator is committed, though nothing was read', async () => {
    await using all = await setUp()
    const pair = { key: serdes.string, value: serdes.int32 }
    const builder = new TopologyBuilder('ticks')
    let ticks = 0
    builder
      .source('lines', { topics: ['lines'], ...inputSerdes })
      .process<string, number>('tick', {
        create: () => ({
          init: (context: ProcessorContext<string, number>) => {
            context.schedule(10, 'wall-clock', () => {
              if (context.taskId === '0_0' && ticks < 3) context.forward({ key: 'tick', value: ++ticks, timestamp: 1 })
            })
          },
          process: () => undefined,
        }),
      })
      .sink('out', { topic: 'word-counts', ...pair })
    const app = await start(all.define({ topology: builder.build() }))
    const running = app.run()
    while ((await all.log.readAll('word-counts', pair)).length < 3) await new Promise((resolve) => setTimeout(resolve, 5))
    await app.close()
    await running
    expect((await all.log.readAll('word-counts', pair)).map(({ value }) => value)).toEqual([1, 2, 3])
  })

  test.each(['stream-time', 'wall-clock'] as const)(
    'what a %s punctuator puts out and keeps counts each record once, whatever fails',
    async (type) => {
      const random = new Random(7)
      let quiet = false
      const mayFail = (operation: MemoryOperation) => {
        if (quiet || !('clientId' in operation) || !operation.clientId.startsWith(group) || operation.type === 'poll') return
        if (random.below(60) === 0) throw new Error(`${operation.type} failed`)
      }
      await using all = await setUp({ before: mayFail, after: mayFail })
      const pair = { key: serdes.string, value: serdes.int32 }
      const sums = leveldb.keyValueStore({ name: 'sums', ...pair })
      const builder = new TopologyBuilder('sums')
      builder
        .source('lines', { topics: ['lines'], ...inputSerdes })
        .process<string, number>('sum', {
          create: () => ({
            init(context: ProcessorContext<string, number>) {
              context.schedule(5, type, (time) => {
                const sum = context.store(sums).get('sum') ?? 0
                if (sum === 0) return
                context.forward({ key: 'sum', value: sum, timestamp: time })
                context.store(sums).set('sum', 0)
              })
            },
            process(_record, context) {
              context.store(sums).set('sum', (context.store(sums).get('sum') ?? 0) + 1)
            },
          }),
          stores: [sums],
        })
        .sink('out', { topic: 'word-counts', ...pair })
      const topology = builder.build()
      let written = 0
      for (let round = 0; round < 3; round++) {
        quiet = round === 2
        await all.write(150)
        written += 150
        await all.run({ topology }).catch(() => undefined)
      }
      const app = await start(all.define({ topology }))
      const running = app.run()
      await all.write(150)
      written += 150
      await expect.poll(async () => (await all.log.readAll('word-counts', pair)).length).toBeGreaterThan(0)
      await app.caughtUp()
      await app.close()
      await running
      const out = (await all.log.readAll('word-counts', pair)).reduce((sum, { value }) => sum + value, 0)
      const state = new Map((await all.log.readAll(`${group}-sums-changelog`, pair)).map(({ partition, value }) => [partition, value]))
      expect(out).toBeGreaterThan(0)
      expect(out + [...state.values()].reduce((sum, value) => sum + value, 0)).toBe(written)
    },
  )

  test.each(['at-least-once', 'exactly-once'] as const)(
    'a disk that takes no more stops the application, %s; with room again, a restart goes on: nothing is lost or counted twice',
    async (processingGuarantee) => {
      await using all = await setUp()
      let full = false
      const failing = defineKeyValueStore({
        ...counts,
        open: async (where) =>
          aroundWrites(await counts.open(where), async (write) => {
            if (full) throw new MillraceError('STORE_WRITE_FAILED', 'There is no space left.', { stage: 'store' })
            await write()
          }),
      })
      const topology = wordCountTopology({ counts: failing })
      await all.write(100)
      await all.run({ topology, processingGuarantee })
      full = true
      await all.write(100)
      await expect(all.run({ topology, processingGuarantee })).rejects.toThrow('There is no space left.')
      full = false
      await all.write(100)
      await all.run({ topology, processingGuarantee })
      await expectExact(all)
    },
  )
})
