import { rm } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { defineApp, type Processor, serdes, silentLogger, start, TopologyBuilder } from 'millrace'
import { leveldb } from 'millrace/leveldb'
import { inMemory, memory } from 'millrace/memory'
import { TopologyTestDriver } from 'millrace/testing'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const pair = { key: serdes.string, value: serdes.int32 }
const sums = inMemory.keyValueStore({ name: 'sums', ...pair })

/** Adds up values and forwards the sum every 10 ms of stream time. */
function topology() {
  const sum: Processor<string, number> = {
    init(context) {
      context.schedule(10, 'stream-time', (time) => {
        const store = context.store(sums)
        context.forward({ key: 'sum', value: store.get('sum') ?? 0, timestamp: time })
        store.set('sum', 0)
      })
    },
    process(record, context) {
      const store = context.store(sums)
      store.set('sum', (store.get('sum') ?? 0) + record.value)
    },
  }
  const builder = new TopologyBuilder('sums')
  builder
    .source('in', { topics: ['in'], ...pair })
    .process('sum', { create: () => sum, stores: [sums] })
    .sink('out', { topic: 'out', ...pair })
  return builder.build()
}

describe('stream-time punctuation', () => {
  test.each([1, 3, 100])('fires after the record that crossed the boundary and before the next, with batches of %d', async (batchSize) => {
    await using driver = await TopologyTestDriver.start(topology(), { batchSize })
    const input = driver.input('in', pair)
    await input.sendAll([1, 5, 9, 12, 13, 47, 48, 50].map((timestamp) => ({ key: 'k', value: 1, timestamp })))
    const out = await driver.output('out', pair).readAll()
    // At 1 (data has begun), at 12, at 47 (once for 20, 30 and 40), at 50.
    expect(out.map(({ value, timestamp }) => [timestamp, value])).toEqual([
      [1, 1],
      [12, 3],
      [47, 2],
      [50, 2],
    ])
  })

  test('a late record does not fire again', async () => {
    await using driver = await TopologyTestDriver.start(topology())
    const input = driver.input('in', pair)
    await input.sendAll([{ key: 'k', value: 1, timestamp: 100 }])
    await input.sendAll([{ key: 'k', value: 1, timestamp: 3 }])
    expect(await driver.output('out', pair).readKeyValues()).toEqual([['sum', 1]])
  })
})

/** The same every so often of the wall clock, unless nothing has come since; each record tells what the sum is with it. */
function clockTopology(everyMs: number, stores: typeof inMemory | typeof leveldb) {
  const kept = stores.keyValueStore({ name: 'sums', ...pair })
  const sum: Processor<string, number, string, number> = {
    init(context) {
      context.schedule(everyMs, 'wall-clock', (time) => {
        const store = context.store(kept)
        const value = store.get('sum') ?? 0
        if (value === 0) return
        context.forward({ key: 'sum', value, timestamp: time })
        store.set('sum', 0)
        store.set('punctuated', (store.get('punctuated') ?? 0) + 1)
      })
    },
    process(record, context) {
      const store = context.store(kept)
      const value = (store.get('sum') ?? 0) + record.value
      store.set('sum', value)
      context.forward({ ...record, value })
    },
  }
  const builder = new TopologyBuilder('sums')
  builder
    .source('in', { topics: ['in'], ...pair })
    .process('sum', { create: () => sum, stores: [kept] })
    .sink('out', { topic: 'out', ...pair })
  return { topology: builder.build(), kept }
}

describe('wall-clock punctuation with state, at least once', () => {
  test('sees what was processed, and what comes next sees what it keeps', async () => {
    const { topology: topologyOfClock, kept } = clockTopology(10, inMemory)
    await using driver = await TopologyTestDriver.start(topologyOfClock, { startMs: 1_000 })
    const input = driver.input('in', pair)
    const send = (values: readonly number[]) => input.sendAll(values.map((value) => ({ key: 'k', value })))
    await send([1, 2])
    await driver.advanceWallClock(10)
    await driver.advanceWallClock(10)
    await send([3])
    await driver.advanceWallClock(10)
    const out = await driver.output('out', pair).readAll()
    expect(out.map(({ key, value }) => [key, value])).toEqual([
      ['k', 1],
      ['k', 3],
      ['sum', 3],
      ['k', 3],
      ['sum', 3],
    ])
    expect(out.filter(({ key }) => key === 'sum').map(({ timestamp }) => timestamp)).toEqual([1_010, 1_030])
    expect(await driver.store(kept).getBatch(['sum', 'punctuated'])).toEqual([0, 2])
  })

  test.each(['kept', 'restored from its changelog'])('commits its state with its output; a restart goes on with it, %s', async (state) => {
    await using folder = await temporaryFolder()
    const transport = memory()
    await using log = await LogClient.open(transport)
    await log.createTopics({ in: 1, out: 1 })
    const { topology: topologyOfClock, kept } = clockTopology(10, leveldb)
    const sumsPutOut = async () => (await log.readAll('out', pair)).flatMap(({ key, value }) => (key === 'sum' ? value : []))
    for (const round of [1, 2]) {
      await log.write(
        'in',
        pair,
        [1, 10, 100].map((value) => ({ key: 'k', value: value * round })),
      )
      const app = await start(
        defineApp({
          topology: topologyOfClock,
          applicationId: 'clock',
          processingGuarantee: 'at-least-once',
          transport,
          stateDir: folder.path,
          logger: silentLogger,
          batch: { timeoutMs: 1 },
          commit: { intervalMs: 5 },
        }),
      )
      const running = app.run()
      const all = round === 1 ? 111 : 333
      await expect.poll(async () => (await sumsPutOut()).reduce((sum, value) => sum + value, 0)).toBe(all)
      // What a punctuator has changed is committed by itself: nothing more is read.
      const punctuated = (await sumsPutOut()).length
      await expect.poll(() => app.store(kept).getBatch(['sum', 'punctuated'])).toEqual([0, punctuated])
      await app.close()
      await running
      expect((await sumsPutOut()).reduce((sum, value) => sum + value, 0)).toBe(all)
      if (state !== 'kept') await rm(folder.path, { recursive: true })
    }
  })
})

describe('stream time', () => {
  test('survives a restart: it is kept with the committed offset', async () => {
    await using folder = await temporaryFolder()
    const transport = memory()
    await using log = await LogClient.open(transport)
    await log.createTopics({ in: 1, out: 1 })
    const builder = new TopologyBuilder('time')
    builder
      .source('in', { topics: ['in'], ...pair })
      .process('tell', (record, context) => context.forward({ ...record, value: context.streamTime }))
      .sink('out', { topic: 'out', ...pair })
    for (const timestamp of [100, 3]) {
      await log.write('in', pair, [{ key: 'k', value: 0, timestamp }])
      const app = await start(
        defineApp({
          topology: builder.build(),
          applicationId: 'time',
          transport,
          stateDir: folder.path,
          logger: silentLogger,
          batch: { timeoutMs: 1 },
        }),
      )
      const running = app.run()
      await app.caughtUp()
      await app.close()
      await running
    }
    expect((await log.readAll('out', pair)).map(({ value, timestamp }) => [value, timestamp])).toEqual([
      [100, 100],
      [100, 3],
    ])
  })
})
