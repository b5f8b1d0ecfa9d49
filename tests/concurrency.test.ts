import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Processor, type ProcessorConcurrency, serdes, silentLogger, start, TopologyBuilder } from 'millrace'
import { inMemory, memory } from 'millrace/memory'
import { TopologyTestDriver } from 'millrace/testing'
import { deferred } from './support/deferred.ts'
import { ACKNOWLEDGEMENTS } from './support/failing-run.ts'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const numbers = { key: serdes.string, value: serdes.int32 }

/** Waits so many turns of the event loop. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** A node that is done with later records first, between a source and a sink. */
function backwards(options: ProcessorConcurrency) {
  const builder = new TopologyBuilder('backwards')
  builder
    .source('in', { topics: ['in'], ...numbers })
    .process(
      'wait',
      async (record, context) => {
        await turns(20 - record.value)
        context.forward(record)
      },
      options,
    )
    .mapValues('pass', (value) => value)
    .sink('out', { topic: 'out', ...numbers })
  return builder.build()
}

const twenty = Array.from({ length: 20 }, (_, value) => ({ key: `k${value % 3}`, value, timestamp: value }))

async function outputOf(options: ProcessorConcurrency, driving: Parameters<typeof TopologyTestDriver.start>[1]): Promise<number[]> {
  await using driver = await TopologyTestDriver.start(backwards(options), driving)
  await driver.input('in', numbers).sendAll(twenty)
  return (await driver.output('out', numbers).readAll()).map(({ value }) => value)
}

describe('concurrency', () => {
  test.each<[ProcessorConcurrency, boolean]>([
    [{ asyncBatch: true }, false],
    [{ ordering: 'key' }, false],
    [{ ordering: 'key', maxConcurrency: 2 }, false],
    [{}, true],
  ])('of records in one batch keeps the output in offset order: %j, by default %j', async (options, asyncBatch) => {
    for (const batchSize of [1, 7, 100]) {
      const output = await outputOf(options, { batchSize, definition: { concurrency: { asyncBatch, maxConcurrency: 20 } } })
      expect(output).toEqual(twenty.map(({ value }) => value))
    }
  })

  test('without any order gives the output as it comes, within a batch', async () => {
    const output = await outputOf({ ordering: 'unordered', maxConcurrency: 20 }, { batchSize: 10 })
    expect(output.slice(0, 10)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
    expect(output.slice(10)).toEqual([19, 18, 17, 16, 15, 14, 13, 12, 11, 10])
  })

  test("of the application is not for nodes that say no, nor for those with stores, and bounded by the node's own limit", async () => {
    const storeNamed = (name: string) => inMemory.keyValueStore({ name, ...numbers })
    const most = new Map<string, number>()
    const busy = (name: string): Processor<string, number> => {
      let inFlight = 0
      return {
        async process(record, context) {
          most.set(name, Math.max(most.get(name) ?? 0, ++inFlight))
          await turns(2)
          inFlight--
          context.forward(record)
        },
      }
    }
    const builder = new TopologyBuilder('defaults')
    const source = builder.source('in', { topics: ['in'], ...numbers })
    source.process('default', { create: () => busy('default') })
    source.process('says no', { create: () => busy('says no'), asyncBatch: false })
    source.process('own limit', { create: () => busy('own limit'), maxConcurrency: 2 })
    source.process('state', { create: () => busy('state'), stores: [storeNamed('one')] })
    source.process('by key', { create: () => busy('by key'), stores: [storeNamed('other')], ordering: 'key' })
    const definition = { concurrency: { asyncBatch: true, maxConcurrency: 5 } }
    await using driver = await TopologyTestDriver.start(builder.build(), { definition })
    await driver.input('in', numbers).sendAll(twenty)
    expect(Object.fromEntries(most)).toEqual({ default: 5, 'says no': 1, 'own limit': 2, state: 1, 'by key': 3 })
  })

  test('names the first record that failed, after all others are done', async () => {
    const done: number[] = []
    const builder = new TopologyBuilder('failing')
    builder.source('in', { topics: ['in'], ...numbers }).process(
      'fail',
      async (record) => {
        await turns(20 - record.value)
        if (record.value % 7 === 5) throw new Error(`no ${record.value}`)
        done.push(record.value)
      },
      { asyncBatch: true },
    )
    await using driver = await TopologyTestDriver.start(builder.build(), { definition: { batch: { maxRetries: 0 } } })
    const sending = driver.input('in', numbers).sendAll(twenty)
    await expect(sending).rejects.toMatchObject({ message: "Node 'fail' failed at in-0, offset 5: no 5", node: 'fail', offset: 5 })
    expect(done).toHaveLength(17)
  })

  test.each(
    ACKNOWLEDGEMENTS.flatMap((acknowledgement) =>
      (['partition', 'key', 'unordered'] as const).map((ordering) => [acknowledgement, ordering] as const),
    ),
  )('of records of which some fail before others are done loses none, and repeats none: %s, %s', async (acknowledgement, ordering) => {
    const failsOnce = new Set([3, 12])
    const builder = new TopologyBuilder('failing')
    builder
      .source('in', { topics: ['in'], ...numbers })
      .process<string, number>(
        'fail',
        async (record, context) => {
          await turns(20 - record.value)
          context.forward(record)
          if (record.value === 8 || failsOnce.delete(record.value)) throw new Error(`no ${record.value}`)
        },
        { asyncBatch: true, ordering, maxConcurrency: 20 },
      )
      .sink('out', { topic: 'out', ...numbers })
    const failure = { acknowledgement, process: 'skip', retry: { initialDelayMs: 0 } } as const
    await using driver = await TopologyTestDriver.start(builder.build(), { definition: { batch: { maxRetries: 1 }, failure } })
    await driver.input('in', numbers).sendAll(twenty)
    const output = (await driver.output('out', numbers).readAll()).map(({ value }) => value)
    const good = twenty.map(({ value }) => value).filter((value) => value !== 8)
    expect(ordering === 'unordered' ? output.toSorted((a, b) => a - b) : output).toEqual(good)
  })

  test.each<[ProcessorConcurrency, string]>([
    [{ ordering: 'key' }, "ordering 'key'"],
    [{ ordering: 'unordered' }, "ordering 'unordered'"],
    [{ asyncBatch: true }, 'asyncBatch'],
  ])('is refused for a processor that has only processBatch: %j', async (options, what) => {
    const builder = new TopologyBuilder('batches')
    builder.source('in', { topics: ['in'], ...numbers }).processBatch('batches', () => undefined, options)
    await using driver = await TopologyTestDriver.start(builder.build())
    const sending = driver.input('in', numbers).send({ key: 'k', value: 1 })
    await expect(sending).rejects.toThrow(`Node 'batches' has ${what}, but its processor has only processBatch`)
  })

  test("by key changes state as one record after another does, with each record's own timestamp in the changelog", async () => {
    const step = fc.record({ key: fc.constantFrom('a', 'b', 'c'), value: fc.nat(5), timestamp: fc.nat(1_000) })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 20 }), fc.boolean(), async (records, update) => {
        expect(await stateOf(records, { update, ordering: 'key' })).toEqual(await stateOf(records, { update, ordering: 'partition' }))
      }),
      { numRuns: 20 },
    )
  })

  test('by key, a store that init has kept can be read but not changed', async () => {
    const builder = new TopologyBuilder('kept')
    const sums = inMemory.keyValueStore({ name: 'sums', ...numbers })
    builder.source('in', { topics: ['in'], ...numbers }).process('keep', {
      create: () => {
        let kept: { get(key: string): number | undefined; set(key: string, value: number): void }
        return {
          init: (context: { store(definition: typeof sums): typeof kept }) => {
            kept = context.store(sums)
          },
          process: (record: { key: string; value: number }) => kept.set(record.key, (kept.get(record.key) ?? 0) + record.value),
        }
      },
      stores: [sums],
      ordering: 'key',
    })
    await using driver = await TopologyTestDriver.start(builder.build())
    const sending = driver.input('in', numbers).send({ key: 'k', value: 1 })
    await expect(sending).rejects.toThrow(
      /Node 'keep' failed at in-0, offset 0: .*use context\.store\(\) of the context that process is given/,
    )
  })

  test('a shutdown waits for the records in flight, and commits the whole batch', async () => {
    await using folder = await temporaryFolder()
    const transport = memory()
    await using log = await LogClient.open(transport)
    await log.createTopics({ in: 1, out: 1 })
    const gate = deferred()
    const began = deferred()
    const builder = new TopologyBuilder('drain')
    builder
      .source('in', { topics: ['in'], ...numbers })
      .process(
        'wait',
        async (record, context) => {
          if (record.value === 3) began.resolve()
          await gate.promise
          context.forward(record)
        },
        { ordering: 'unordered', maxConcurrency: 4 },
      )
      .sink('out', { topic: 'out', ...numbers })
    const app = await start({
      topology: builder.build(),
      applicationId: 'drains',
      transport,
      stateDir: folder.path,
      logger: silentLogger,
      batch: { timeoutMs: 0 },
    })
    const running = app.run()
    await log.write('in', numbers, twenty)
    await began.promise
    const closing = app.close()
    gate.resolve()
    await closing
    await running
    expect((await log.readAll('out', numbers)).map(({ value }) => value).sort((a, b) => a - b)).toEqual(twenty.map(({ value }) => value))
    expect(await log.committed('drains', 'in')).toEqual([20])
  })
})

/** Output, changelog and state of a node that sums by key, and gives each record's sum. */
async function stateOf(
  records: readonly { key: string; value: number; timestamp: number }[],
  { update, ordering }: { update: boolean; ordering: 'key' | 'partition' },
) {
  const sums = inMemory.keyValueStore({ name: 'sums', ...numbers })
  const builder = new TopologyBuilder('sums')
  builder
    .source('in', { topics: ['in'], ...numbers })
    .process(
      'sum',
      async (record, context) => {
        const store = context.store(sums)
        let sum = 0
        if (update) {
          await turns(record.value)
          sum = (await store.updateBatch([record.key], (before = 0) => before + record.value))[0] ?? 0
        } else {
          const before = store.get(record.key) ?? 0
          await turns(record.value)
          sum = before + record.value
          store.set(record.key, sum)
        }
        await turns(1)
        context.forward({ ...record, value: sum })
      },
      { stores: [sums], ordering },
    )
    .sink('out', { topic: 'out', ...numbers })
  await using driver = await TopologyTestDriver.start(builder.build())
  await driver.input('in', numbers).sendAll(records)
  const plain = ({ key, value, timestamp }: { key: string; value: number; timestamp: number }) => [key, value, timestamp]
  const changes = await driver.output('test-sums-changelog', numbers).readAll()
  const state: [string, number][] = []
  for await (const page of driver.store(sums).rangePages({})) state.push(...page.map(([key, value]): [string, number] => [key, value]))
  return {
    out: (await driver.output('out', numbers).readAll()).map(plain),
    changes: new Map(changes.map(({ key, ...change }) => [key, plain({ key, ...change })])),
    state,
  }
}
