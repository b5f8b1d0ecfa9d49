import { setImmediate } from 'node:timers/promises'
import { type AppDefinition, defineApp, type RuntimeEvent, serdes, silentLogger, start, TopologyBuilder } from 'millrace'
import { inMemory, memory } from 'millrace/memory'
import { expect, test } from 'vitest'
import { deferred } from './support/deferred.ts'
import { HeldSink } from './support/held-sink.ts'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { transportWith } from './support/transport-with.ts'

const pair = { key: serdes.string, value: serdes.int32 }
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)
const records = (count: number) => numbers(count).map((value) => ({ key: 'k', value }))
const counts = inMemory.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.int32 })

function definition(sink: HeldSink, more: Pick<AppDefinition, 'transport' | 'stateDir' | 'revokeTimeoutMs'>) {
  const builder = new TopologyBuilder('held')
  const stream = builder.source('in', { topics: ['in'], ...pair })
  let failures = 1
  stream
    .process(
      'count',
      ({ key, value, timestamp }, context) => {
        const store = context.store(counts)
        if (value === 25 && failures-- > 0) throw new Error('the first time')
        store.set(key, (store.get(key) ?? 0) + 1)
        context.forward({ key, value, timestamp })
      },
      { stores: [counts] },
    )
    .sinkOutside('held', sink)
  const shared = {
    topology: builder.build(),
    applicationId: 'held',
    logger: silentLogger,
    commit: { intervalMs: 5 },
    batch: { size: 10, timeoutMs: 1 },
  }
  return { ...shared, failure: { retry: { initialDelayMs: 1 } }, ...more }
}

test('a sink outside of the log is handed what came of finished passes, once; offsets wait for it, and what it holds back is read again', async () => {
  await using folder = await temporaryFolder()
  const transport = memory()
  await using log = await LogClient.open(transport)
  await log.createTopics({ in: 1 })
  await log.write('in', pair, records(40))
  const first = new HeldSink()
  first.storedBelow = 17
  const app = await start(defineApp(definition(first, { transport, stateDir: folder.path })))
  const running = app.run()
  await expect.poll(() => first.values).toEqual(numbers(40))
  await expect.poll(() => log.committed('held', 'in')).toEqual([17])
  // With the time of a record that is committed: whoever reads the rest again is not to find it late.
  const [{ metadata = '' } = {}] = await log.admin.committedOffsets('held', [{ topic: 'in', partition: 0 }])
  expect(Number(Buffer.from(metadata, 'base64').readBigInt64BE(1))).toBe(1_700_000_000_009)
  // Nothing new is read, and yet what is stored meanwhile is committed.
  first.storedBelow = 21
  await expect.poll(() => log.committed('held', 'in')).toEqual([21])
  expect(first.flushes).not.toContain(true)
  expect(first.assigned).toEqual([{ topic: 'in', partition: 0, offset: 0, begin: 0, end: 40, topicId: expect.any(String) as string }])
  await app.close()
  await running
  // Whoever waits for a commit is waited for.
  expect(first.flushes.at(-1)).toBe(true)
  expect([first.revoked, first.closed]).toEqual([[{ topic: 'in', partition: 0 }].map((at) => expect.objectContaining(at) as unknown), 1])

  const second = new HeldSink()
  const again = await start(defineApp(definition(second, { transport, stateDir: folder.path })))
  const running2 = again.run()
  await again.caughtUp()
  expect(second.values).toEqual(numbers(40).slice(21))
  expect(await log.committed('held', 'in')).toEqual([40])
  await again.close()
  await running2
})

test('while it has no room passes wait, and go on when there is some; its tasks end in time all the same', async () => {
  await using folder = await temporaryFolder()
  const transport = memory()
  await using log = await LogClient.open(transport)
  await log.createTopics({ in: 1 })
  await log.write('in', pair, records(100))
  const sink = new HeldSink()
  sink.most = 10
  const app = await start(defineApp(definition(sink, { transport, stateDir: folder.path, revokeTimeoutMs: 1_000 })))
  const running = app.run()
  await expect.poll(() => sink.accepted.length).toBe(10)
  await app.commit()
  expect(sink.accepted).toHaveLength(10)
  sink.makeRoom(30)
  await expect.poll(() => sink.accepted.length).toBe(30)
  await app.close()
  await running
  expect(sink.values).toEqual(numbers(30))
  expect(await log.committed('held', 'in')).toEqual([30])
})

test('a shutdown does not wait for what brokers are asked before it gets its partitions, and then it gets none', async () => {
  await using folder = await temporaryFolder()
  const [asked, answered] = [deferred(), deferred()]
  const log = memory()
  const transport = transportWith(log, {
    openAdmin: async (context) => {
      const admin = await log.openAdmin(context)
      const endOffsets = admin.endOffsets.bind(admin)
      admin.endOffsets = async (...of) => {
        asked.resolve()
        await answered.promise
        return endOffsets(...of)
      }
      return admin
    },
  })
  await using client = await LogClient.open(log)
  await client.createTopics({ in: 1 })
  const sink = new HeldSink()
  const builder = new TopologyBuilder('held')
  builder.source('in', { topics: ['in'], ...pair }).sinkOutside('held', sink)
  const parts = { topology: builder.build(), applicationId: 'held', logger: silentLogger }
  const app = await start(defineApp({ ...parts, transport, stateDir: folder.path }))
  const running = app.run()
  await asked.promise
  await app.close()
  await running
  answered.resolve()
  for (let turn = 0; turn < 10; turn++) await setImmediate()
  expect(sink.assigned).toEqual([])
})

test('a row that it can not store goes the way of failure.produce: by default the application stops with its place', async () => {
  await using folder = await temporaryFolder()
  const transport = memory()
  await using log = await LogClient.open(transport)
  await log.createTopics({ in: 1 })
  const sink = new HeldSink()
  const app = await start(defineApp(definition(sink, { transport, stateDir: folder.path })))
  const running = app.run()
  await expect.poll(() => sink.context).toBeDefined()
  const refused = { topic: 'in', partition: 0, offset: 7, timestamp: 1, value: new Uint8Array(), error: new Error('no such column') }
  await expect(sink.context?.refuse(refused)).rejects.toThrow("Sink 'held' can't store a row")
  await expect(running).rejects.toMatchObject({
    code: 'ROW_REFUSED',
    node: 'held',
    offset: 7,
    message: "Sink 'held' can't store a row that comes from in-0, offset 7: no such column",
  })
  await app.close().catch(() => undefined)
})

test('what it can not go together with is an error at the start, and so is what is no sink', async () => {
  const unlogged = inMemory.keyValueStore({ name: 'unlogged', key: serdes.string, value: serdes.int32, changelog: false })
  const builder = new TopologyBuilder('wrong')
  builder
    .source('in', { topics: ['in'], ...pair })
    .process('one', () => undefined, { stores: [unlogged] })
    .sinkOutside('held', new HeldSink())
  const topology = builder.build()
  expect(topology.describe()).toContain('Sink: held (outside)')
  const parts = { topology, applicationId: 'wrong', transport: memory() }
  await expect(start(defineApp({ ...parts, processingGuarantee: 'exactly-once' }))).rejects.toThrow(
    "Sink 'held' stores outside of Kafka, which processingGuarantee 'exactly-once' does not cover",
  )
  await expect(start(defineApp(parts))).rejects.toThrow("Store 'unlogged' has no changelog and sink 'held' stores outside of Kafka")
  const nothing = new TopologyBuilder('nothing')
  const stream = nothing.source('in', { topics: ['in'], ...pair })
  stream.sinkOutside('none', {} as HeldSink)
  stream.sinkOutside('held', new HeldSink())
  nothing.connect('held', 'none')
  const twice = new HeldSink()
  stream.sinkOutside('first', twice)
  stream.sinkOutside('second', twice)
  expect(() => nothing.build()).toThrow("Sinks 'first' and 'second' are given the same object")
  expect(() => nothing.build()).toThrow(/Sink 'none' is given[\s\S]*bulkRows|Sink 'held' has a child, 'none'/)
})

test('what goes into it is told as of the stage `sink`, and its circuit breakers in the health of the application', async () => {
  await using folder = await temporaryFolder()
  const transport = memory()
  await using log = await LogClient.open(transport)
  await log.createTopics({ in: 1 })
  await log.write('in', pair, records(3))
  const sink = new HeldSink()
  const stages = new Map<string, string>()
  const observer = (event: RuntimeEvent) => {
    if (event.type === 'batch') stages.set(event.node, event.stage)
  }
  const app = await start(defineApp({ ...definition(sink, { transport, stateDir: folder.path }), observer }))
  const running = app.run()
  await app.caughtUp()
  expect(Object.fromEntries(stages)).toEqual({ in: 'source', count: 'process', held: 'sink' })
  expect(app.health()).toMatchObject({ healthy: true, sinks: {} })
  sink.circuits.set('orders', 'open')
  expect(app.health()).toMatchObject({ healthy: false, sinks: { held: { orders: 'open' } } })
  await app.close()
  await running
})
