import { describe, expect, test } from 'vitest'
import { defineApp, type Processor, serdes, silentLogger, start, TopologyBuilder } from 'millrace'
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
