import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  BatchCountAggregator,
  BatchRecordError,
  type BatchProcessor,
  type KeyValueStoreDefinition,
  type Processor,
  serdes,
  type Stream,
  type Topology,
  TopologyBuilder,
} from 'millrace'
import { inMemory } from 'millrace/memory'
import { TopologyTestDriver, type TopologyTestDriverOptions } from 'millrace/testing'

type Words = Stream<string, string>

/** How a node fails with some records. */
type How = 'throw' | 'index' | 'outcome' | 'single'
const HOWS: readonly How[] = ['throw', 'index', 'outcome', 'single']
const KINDS = [
  'map',
  'expand',
  'expandBatch',
  'reverseBatch',
  'filter',
  'filterValues',
  'mapValues',
  'peek',
  'branch',
  'named',
  'count',
  'countSingle',
  'tick',
] as const

/** One step of a random topology; `at` chooses which of the streams there are so far. */
type Step =
  | {
      readonly kind: (typeof KINDS)[number] | How
      readonly at: number
    }
  | { readonly kind: 'merge'; readonly at: number; readonly with: number }

/** Steps of these kinds, and merges. */
function stepOf(kinds: readonly ((typeof KINDS)[number] | How)[]): fc.Arbitrary<Step> {
  return fc.oneof(
    { weight: 10, arbitrary: fc.record({ kind: fc.constantFrom(...kinds), at: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('merge' as const), at: fc.nat(9), with: fc.nat(9) }) },
  )
}

const input = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), timestamp: fc.nat(60) }), { minLength: 1, maxLength: 25 })

/** Forwards each record as often as its value is long (0 to 3 times), numbered. */
function copies(value: string): string[] {
  return Array.from({ length: value.length % 4 }, (_, i) => `${value}.${i}`)
}

const expandBatch: BatchProcessor<string, string> = {
  processBatch(batch, context) {
    const keys: string[] = []
    const values: string[] = []
    const sources: number[] = []
    for (let i = 0; i < batch.length; i++) {
      for (const copy of copies(batch.values[i] as string)) {
        keys.push(batch.keys[i] as string)
        values.push(copy)
        sources.push(i)
      }
    }
    context.forwardBatch({ keys, values, sources })
  },
}

/** Forwards its batch from the end, as a batch processor that groups by key may: the engine restores the order of the sources. */
const reverseBatch: BatchProcessor<string, string> = {
  processBatch(batch, context) {
    const sources = Array.from(batch.keys, (_, i) => batch.length - 1 - i)
    context.forwardBatch({
      keys: sources.map((i) => batch.keys[i] as string),
      values: sources.map((i) => `${batch.values[i]}~`),
      sources,
    })
  },
}

function countSingle(store: KeyValueStoreDefinition<string, number>): Processor<string, string, string, string> {
  return {
    process(record, context) {
      const counts = context.store(store)
      const count = (counts.get(record.key) ?? 0) + 1
      counts.set(record.key, count)
      context.forward({ ...record, value: `${record.value}#${count}` })
    },
  }
}

/** Passes on what it is given, but fails with what comes of every seventh record; which these are depends on the node. */
function failing(how: How, node: number): BatchProcessor<string, string> | Processor<string, string> {
  // What a punctuator forwards comes of no record.
  const fails = (offset: number) => offset >= 0 && (offset + node) % 7 === 3
  if (how === 'single') {
    return {
      process(record, context) {
        context.forward(record)
        if (fails(record.offset as number)) throw new Error('bad')
      },
    }
  }
  return {
    processBatch(batch, context) {
      const failed = Array.from(batch.keys, (_, index) => index).flatMap((index) =>
        fails(batch.offset(index)) ? [{ index, error: new Error('bad') }] : [],
      )
      context.forwardBatch({ keys: batch.keys, values: batch.values })
      const [first] = failed
      if (how === 'outcome' || first === undefined) return { failed }
      throw how === 'index' ? new BatchRecordError(first.index, first.error) : first.error
    },
  }
}

/** Counts records in its state and tells the count every 10 ms of stream time. */
function tick(store: KeyValueStoreDefinition<string, number>): Processor<string, string, string, string> {
  return {
    init(context) {
      context.schedule(10, 'stream-time', (time) => {
        const seen = context.store(store).get('seen') ?? 0
        context.store(store).set('ticks', (context.store(store).get('ticks') ?? 0) + 1)
        context.forward({ key: 'tick', value: `${time}:${seen}`, timestamp: time })
      })
    },
    process(record, context) {
      const counts = context.store(store)
      counts.set('seen', (counts.get('seen') ?? 0) + 1)
      context.forward(record)
    },
  }
}

function buildRandom(steps: readonly Step[]): { topology: Topology; stores: KeyValueStoreDefinition<string, number>[] } {
  const builder = new TopologyBuilder('random')
  const stores: KeyValueStoreDefinition<string, number>[] = []
  const newStore = (name: string) => {
    const store = inMemory.keyValueStore({ name: `${name}-store`, key: serdes.string, value: serdes.safeInt64 })
    stores.push(store)
    return store
  }
  let streams: Words[] = [builder.source('in', { topics: ['in'], key: serdes.string, value: serdes.string })]
  steps.forEach((one, i) => {
    const name = `${one.kind}-${i}`
    const index = one.at % streams.length
    const stream = streams[index] as Words
    const put = (...next: Words[]) => {
      streams = [...streams.slice(0, index), ...next, ...streams.slice(index + 1)]
    }
    switch (one.kind) {
      case 'map':
        put(stream.map(name, (record) => ({ ...record, value: `${record.value}m` })))
        break
      case 'expand':
        put(
          stream.process<string, string>(name, (record, context) => {
            for (const value of copies(record.value)) context.forward({ ...record, value })
          }),
        )
        break
      case 'expandBatch':
        put(stream.process(name, { create: () => expandBatch }))
        break
      case 'reverseBatch':
        put(stream.process(name, { create: () => reverseBatch }))
        break
      case 'filter':
        put(stream.filter(name, (record) => record.value.length % 3 !== 0))
        break
      case 'filterValues':
        put(stream.filterValues(name, (value) => value.length % 4 !== 1))
        break
      case 'mapValues':
        put(stream.mapValues(name, (value) => `${value}v`))
        break
      case 'peek':
        put(stream.peek(name, () => undefined))
        break
      case 'branch': {
        const branches = stream.branch(name, { even: (record) => record.value.length % 2 === 0, odd: () => true })
        put(branches.even, branches.odd)
        break
      }
      case 'named':
        // Two ways out of one node that both stay open: the record goes down each.
        put(
          stream,
          stream.map(name, (record) => ({ ...record, value: `${record.value}n` })),
        )
        break
      case 'count': {
        const store = newStore(name)
        const counted = stream.process(name, { create: () => new BatchCountAggregator(store), stores: [store] })
        put(counted.map(`${name}-text`, (record) => ({ ...record, value: `=${record.value}` })))
        break
      }
      case 'countSingle': {
        const store = newStore(name)
        put(stream.process(name, { create: () => countSingle(store), stores: [store] }))
        break
      }
      case 'tick': {
        const store = newStore(name)
        put(stream.process(name, { create: () => tick(store), stores: [store] }))
        break
      }
      case 'throw':
      case 'index':
      case 'outcome':
      case 'single':
        put(stream.process<string, string>(name, { create: () => failing(one.kind as How, i) }))
        break
      case 'merge': {
        const other = streams[one.with % streams.length] as Words
        if (other !== stream) put(stream.merge(name, other))
      }
    }
  })
  // All leaves write to one topic, so that the order between them shows too.
  streams.forEach((stream, i) => stream.sink(`out-${i}`, { topic: 'out', key: serdes.string, value: serdes.string }))
  return { topology: builder.build(), stores }
}

interface Result {
  readonly out: [string, string, number][]
  readonly state: Record<string, [string, number][]>
}

async function resultOf(
  steps: readonly Step[],
  records: readonly { key: string; timestamp: number }[],
  batchSize: number,
  definition: TopologyTestDriverOptions['definition'] = {},
): Promise<Result> {
  const { topology, stores } = buildRandom(steps)
  await using driver = await TopologyTestDriver.start(topology, { batchSize, definition })
  const lines = driver.input('in', { key: serdes.string, value: serdes.string })
  const half = records.length >> 1
  const rows = records.map(({ key, timestamp }, i) => ({ key, value: 'x'.repeat(i % 5) + i, timestamp }))
  if (half > 0) await lines.sendAll(rows.slice(0, half))
  await lines.sendAll(rows.slice(half))
  const out = await driver.output('out', { key: serdes.string, value: serdes.string }).readAll()
  const state: Result['state'] = {}
  for (const store of stores) {
    const entries: [string, number][] = []
    for await (const page of driver.store(store).rangePages({})) for (const [key, value] of page) entries.push([key, value])
    state[store.name] = entries
  }
  return { out: out.map(({ key, value, timestamp }) => [key, value, timestamp]), state }
}

describe('batch-transparency', () => {
  test('random topologies give the same output, in the same order, and the same state for every way of cutting batches', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(stepOf(KINDS), { minLength: 1, maxLength: 7 }),
        input,
        fc.integer({ min: 2, max: 30 }),
        async (steps, records, size) => {
          expect(await resultOf(steps, records, size)).toEqual(await resultOf(steps, records, 1))
        },
      ),
      { numRuns: 60 },
    )
  }, 120_000)

  test('also where nodes fail with some records, which are skipped: they leave no trace, however batches are cut and whatever is committed together', async () => {
    const steps = fc
      .tuple(
        fc.array(stepOf([...KINDS, ...HOWS]), { maxLength: 5 }),
        fc.record({ kind: fc.constantFrom(...HOWS), at: fc.nat(9) }),
        fc.nat(5),
      )
      .map(([others, fails, at]) => [...others.slice(0, at), fails, ...others.slice(at)])
    const acknowledgement = fc.constantFrom('all-or-nothing' as const, 'best-effort' as const, 'last-successful' as const)
    await fc.assert(
      fc.asyncProperty(steps, input, fc.integer({ min: 2, max: 30 }), acknowledgement, async (sequence, records, size, kept) => {
        const definition = (maxRetries: number) => ({ batch: { maxRetries }, failure: { process: 'skip' as const, acknowledgement: kept } })
        expect(await resultOf(sequence, records, size, definition(1))).toEqual(await resultOf(sequence, records, 1, definition(0)))
      }),
      { numRuns: 80 },
    )
  }, 120_000)
})
