import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type AppDefinition,
  type Clock,
  defineApp,
  type FailedRecord,
  type ProcessorConcurrency,
  type RuntimeEvent,
  serdes,
  silentLogger,
  start,
  TopologyBuilder,
} from 'millrace'
import { inMemory, memory } from 'millrace/memory'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const numbers = { key: serdes.string, value: serdes.int32 }
const sums = inMemory.keyValueStore({ name: 'sums', ...numbers })

interface Running {
  readonly options: ProcessorConcurrency
  readonly count: number
  readonly keys: number
  /** Called with each record; what it returns is awaited. */
  readonly work?: (value: number, key: string) => Promise<void> | void
  readonly overrides?: Partial<AppDefinition>
  /** Keeps a sum by key behind the node. */
  readonly keepsSums?: boolean
}

/** A node that calls another system for each record, with a batch processor behind it. */
async function run({ options, count, keys, work, overrides, keepsSums = true }: Running) {
  await using folder = await temporaryFolder()
  const transport = memory()
  await using log = await LogClient.open(transport)
  await log.createTopics({ in: 1, out: 1, dead: 1 })
  const behind: number[][] = []
  const events: RuntimeEvent[] = []
  const builder = new TopologyBuilder('calls')
  builder
    .source('in', { topics: ['in'], ...numbers })
    .process<string, number>(
      'call',
      async (record, context) => {
        await work?.(record.value, record.key)
        context.forward(record)
      },
      options,
    )
    .process<string, number>('behind', {
      create: () => ({
        async processBatch(batch, context) {
          behind.push([...batch.values])
          if (keepsSums) await context.store(sums).updateBatch(batch.keys, (sum) => (sum ?? 0) + 1)
          context.forwardBatch({ keys: batch.keys, values: batch.values })
        },
      }),
      stores: keepsSums ? [sums] : [],
    })
    .sink('out', { topic: 'out', ...numbers })
  await log.write(
    'in',
    numbers,
    Array.from({ length: count }, (_, value) => ({ key: `k${value % keys}`, value })),
  )
  const app = await start(
    defineApp({
      topology: builder.build(),
      applicationId: 'calls',
      transport,
      stateDir: folder.path,
      logger: silentLogger,
      batch: { size: 4, timeoutMs: 1 },
      observer: (event) => events.push(event),
      ...overrides,
    }),
  )
  const running = app.run()
  await app.caughtUp()
  let counted = 0
  if (keepsSums) for await (const page of app.store(sums).rangePages({})) for (const [, sum] of page) counted += sum
  await app.close()
  await running
  const values = async (topic: string) => (await log.readAll(topic, numbers)).map(({ value }) => value)
  const cuts = events.flatMap((event) =>
    event.type === 'cut' ? [{ records: event.records, trigger: event.trigger, bytes: event.bytes }] : [],
  )
  return {
    behind,
    cuts,
    events,
    counted,
    out: await values('out'),
    dead: await values('dead'),
    committed: await log.committed('calls', 'in'),
  }
}

const upTo = (count: number) => Array.from({ length: count }, (_, value) => value)

describe('several batches at once', () => {
  test('are processed side by side, as many as may be; behind the node each goes by itself, in order', async () => {
    const inFlight = new Set<number>()
    let most = 0
    let farthest = 0
    const { behind, cuts, out, counted } = await run({
      options: { ordering: 'key', maxConcurrency: 100 },
      count: 24,
      keys: 100,
      async work(value) {
        inFlight.add(value)
        most = Math.max(most, inFlight.size)
        farthest = Math.max(farthest, value - Math.min(...inFlight))
        for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
        inFlight.delete(value)
      },
    })
    // Three batches of four records.
    expect(most).toBe(12)
    expect(farthest).toBe(11)
    expect(behind).toEqual([0, 4, 8, 12, 16, 20].map((from) => [from, from + 1, from + 2, from + 3]))
    expect(cuts).toEqual(Array.from({ length: 6 }, () => ({ records: 4, trigger: 'records', bytes: expect.any(Number) as number })))
    expect(out).toEqual(upTo(24))
    expect(counted).toBe(24)
  })

  test.each<[string, ProcessorConcurrency, Partial<AppDefinition>]>([
    ['one batch at a time is asked for', { ordering: 'key' }, { concurrency: { maxInFlightBatches: 1 } }],
    ['the order is that of the partition', { asyncBatch: true }, {}],
  ])('are not, where %s', async (_, options, overrides) => {
    const inFlight = new Set<number>()
    let farthest = 0
    const { out } = await run({
      options,
      overrides,
      count: 24,
      keys: 100,
      keepsSums: options.ordering === 'key',
      async work(value) {
        inFlight.add(value)
        farthest = Math.max(farthest, value - Math.min(...inFlight))
        await new Promise((resolve) => setImmediate(resolve))
        inFlight.delete(value)
      },
    })
    expect(farthest).toBe(3)
    expect(out).toEqual(upTo(24))
  })

  test('are together in time, where their size adapts', async () => {
    let busyMs = 0
    const clock: Clock = {
      now: () => Date.now(),
      monotonic: () => busyMs,
      after(delayMs, callback) {
        const timer = setTimeout(callback, delayMs)
        return () => clearTimeout(timer)
      },
    }
    const { cuts } = await run({
      options: { ordering: 'key', maxConcurrency: 100 },
      count: 2_000,
      keys: 2_000,
      work: () => void busyMs++,
      keepsSums: false,
      overrides: { clock, batch: { strategy: 'adaptive', targetLatencyMs: 30 } },
    })
    // Three of ten records take 30 ms.
    const settled = cuts.slice(100, 150).map(({ records }) => records)
    expect(new Set(settled)).toEqual(new Set([10]))
  })

  test('keep the order of each key, and give all output in offset order, however long each record takes', async () => {
    const waits = fc.array(fc.nat(6), { minLength: 1, maxLength: 9 })
    await fc.assert(
      fc.asyncProperty(waits, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 8 }), async (turns, keys, limit) => {
        const lastOf = new Map<string, number>()
        const busy = new Set<string>()
        const { out, counted } = await run({
          options: { ordering: 'key', maxConcurrency: limit },
          count: 30,
          keys,
          async work(value, key) {
            expect(busy.has(key)).toBe(false)
            expect(lastOf.get(key) ?? -1).toBeLessThan(value)
            expect(busy.size).toBeLessThan(limit)
            busy.add(key)
            lastOf.set(key, value)
            for (let turn = turns[value % turns.length] as number; turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve))
            busy.delete(key)
          },
        })
        expect(out).toEqual(upTo(30))
        expect(counted).toBe(30)
      }),
      { numRuns: 25 },
    )
  })

  test.each(['all-or-nothing', 'best-effort', 'last-successful'] as const)(
    'of which records fail: good ones are written and counted once, in order, bad ones are dead letters (%s)',
    async (acknowledgement) => {
      const { out, dead, counted, committed } = await run({
        options: { ordering: 'key', maxConcurrency: 5 },
        count: 26,
        keys: 3,
        work: (value) => {
          if (value % 5 === 2) throw new Error('bad')
        },
        overrides: {
          batch: { size: 4, timeoutMs: 1, maxRetries: 1 },
          failure: { acknowledgement, process: 'dead-letter', deadLetter: { topic: 'dead' }, retry: { initialDelayMs: 0 } },
        },
      })
      expect(out).toEqual(upTo(26).filter((value) => value % 5 !== 2))
      expect(dead).toEqual(upTo(26).filter((value) => value % 5 === 2))
      expect(counted).toBe(out.length)
      expect(committed).toEqual([26])
    },
  )

  test('gather no more output together than one pass may', async () => {
    await using folder = await temporaryFolder()
    const written: number[] = []
    const transport = memory({
      faults: {
        before: (operation) => {
          if (operation.type === 'write' && operation.topic === 'out') written.push(operation.records)
        },
      },
    })
    await using log = await LogClient.open(transport)
    await log.createTopics({ in: 1, out: 1 })
    const builder = new TopologyBuilder('spread')
    builder
      .source('in', { topics: ['in'], ...numbers })
      .process<string, number>('call', (record, context) => context.forward(record), { ordering: 'key', maxConcurrency: 100 })
      .flatMap('spread', (record) => Array.from({ length: 100 }, () => record))
      .sink('out', { topic: 'out', ...numbers })
    await log.write(
      'in',
      numbers,
      Array.from({ length: 40 }, (_, value) => ({ key: `k${value}`, value })),
    )
    const app = await start(
      defineApp({
        topology: builder.build(),
        applicationId: 'spread',
        transport,
        stateDir: folder.path,
        logger: silentLogger,
        batch: { size: 1, timeoutMs: 1 },
        concurrency: { maxInFlightBatches: 20 },
        // Room for what comes of four records, and not of eight.
        buffer: { maxOutputBytes: 6 * 100 * 75 },
      }),
    )
    const running = app.run()
    await app.caughtUp()
    await app.close()
    await running
    expect(written.reduce((sum, records) => sum + records, 0)).toBe(4_000)
    expect(Math.max(...written)).toBeLessThanOrEqual(600)
    expect((await log.readAll('out', numbers)).map(({ value }) => value)).toEqual(
      upTo(40).flatMap((value) => new Array<number>(100).fill(value)),
    )
  })

  test('tell of a dead letter the size of its own batch, and its index there', async () => {
    const asked: FailedRecord[] = []
    const { dead, out } = await run({
      options: { ordering: 'key', maxConcurrency: 100 },
      count: 12,
      keys: 100,
      work(value) {
        if (value === 6) throw new Error('six')
      },
      overrides: {
        batch: { size: 4, timeoutMs: 1, maxRetries: 0 },
        failure: {
          deadLetter: { topic: 'dead' },
          process: (record) => {
            asked.push(record)
            return 'dead-letter'
          },
        },
      },
    })
    expect(asked).toMatchObject([{ offset: 6, batchSize: 4, index: 2 }])
    expect(dead).toEqual([6])
    expect(out).toEqual(upTo(12).filter((value) => value !== 6))
  })
})
