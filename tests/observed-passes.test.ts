import { advertisedIn, type PassTracer } from '@millrace/core'
import { expect, test } from 'vitest'
import { type AppDefinition, defineApp, type RuntimeEvent, serdes, silentLogger, start, TopologyBuilder } from 'millrace'
import { inMemory, memory } from 'millrace/memory'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const pair = { key: serdes.string, value: serdes.int32 }
const sums = inMemory.keyValueStore({ name: 'sums', key: serdes.string, value: serdes.int32 })

async function running(more: Partial<AppDefinition>) {
  const folder = await temporaryFolder()
  const transport = memory()
  const log = await LogClient.open(transport)
  await log.createTopics({ in: 2, out: 1 })
  const events: RuntimeEvent[] = []
  const builder = new TopologyBuilder('passes')
  builder
    .source('in', { topics: ['in'], ...pair })
    .processBatch<string, number>(
      'sum',
      async (batch, context) => {
        const failed = batch.values.flatMap((value, index) => (value < 0 ? [{ index, error: new Error('negative') }] : []))
        if (failed.length > 0) return { failed }
        context.store(sums).setBatch({ keys: batch.keys, values: batch.values })
        context.forwardBatch({ keys: batch.keys, values: batch.values })
        return undefined
      },
      { stores: [sums] },
    )
    .sink('out', { topic: 'out', ...pair })
  const app = await start(
    defineApp({
      topology: builder.build(),
      applicationId: 'passes',
      transport,
      stateDir: folder.path,
      logger: silentLogger,
      batch: { size: 4, timeoutMs: 1, maxRetries: 1 },
      failure: { retry: { initialDelayMs: 0, maxDelayMs: 0 }, process: 'skip' },
      observer: (event) => events.push(event),
      ...more,
    }),
  )
  const ended = app.run()
  ended.catch(() => undefined)
  const close = async () => {
    await app.close()
    await ended
    await log[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  }
  return { app, log, events, close }
}

const records = (values: readonly number[]) => values.map((value) => ({ key: `k${value}`, value, partition: 0 }))

test('each pass is told when it begins and when it ends, with what became of its records', async () => {
  const { app, log, events, close } = await running({})
  await log.write('in', pair, records([1, -2, 3, 4]))
  await app.caughtUp()
  const passes = events.filter(({ type }) => type === 'pass-started' || type === 'pass-ended')
  expect(passes).toMatchObject([
    { type: 'pass-started', task: '0_0', node: 'in', topic: 'in', partition: 0, records: 4, firstOffset: 0, lastOffset: 3, batches: 1 },
    { type: 'pass-ended', outcome: 'done', records: 4, done: 4, givenUp: 1, retries: 1, waitingRecords: 0 },
  ])
  expect(events.find(({ type }) => type === 'failure')).toMatchObject({ offset: 1, record: { key: serdes.string.serialize('k-2') } })
  expect(events.some(({ type }) => type === 'flush')).toBe(true)
  await close()
})

test('a pass that stops the application has ended, too', async () => {
  const { app, log, events, close } = await running({ failure: { process: 'fail' }, batch: { size: 4, timeoutMs: 1, maxRetries: 0 } })
  await log.write('in', pair, records([-1]))
  await expect(app.run()).rejects.toThrow('negative')
  expect(events.filter(({ type }) => type === 'pass-ended')).toMatchObject([{ outcome: 'failed', done: 0, error: { node: 'sum' } }])
  await close().catch(() => undefined)
})

test('a tracer sees the batch and gives headers to what comes of each record; one that throws follows nothing', async () => {
  const ended: string[] = []
  let broken = false
  const tracer: PassTracer = {
    passStarted(event, batch) {
      if (broken) throw new Error('broken')
      return {
        headersOf: (topic, own, row) => [...(own ?? []), { key: 'from', value: Buffer.from(`${topic} ${batch.offset(row)}`) }],
        ended: ({ outcome }) => ended.push(`${event.records} ${outcome}`),
      }
    },
  }
  const { app, log, close } = await running({ tracer })
  await log.write('in', pair, records([1, -2, 3]))
  await app.caughtUp()
  broken = true
  await log.write('in', pair, records([4]))
  await app.caughtUp()
  const written = await log.readAll('out', pair)
  const from = written.map(({ headers }) => headers.map(({ value }) => Buffer.from(value ?? []).toString()).join())
  expect(from).toEqual(['out 0', 'out 2', ''])
  expect(ended.every((one) => one.endsWith('done'))).toBe(true)
  await close()
})

test('lag, sizes of stores and the place of a key are told when they are asked for', async () => {
  const { app, log, close } = await running({ advertisedAddress: () => 'here:1' })
  await log.write('in', pair, records([1, 2, 3]))
  await app.caughtUp()
  const lags = await app.inspect.lag()
  expect(lags).toMatchObject([
    { task: '0_0', topic: 'in', partition: 0, position: 3, end: 3, lag: 0 },
    { task: '0_1', partition: 1, lag: 0 },
  ])
  expect(await app.inspect.stores()).toMatchObject([
    { task: '0_0', store: 'sums', entries: 3 },
    { task: '0_1', store: 'sums', entries: 0 },
  ])
  expect(await app.inspect.locate('sums', 'k1')).toMatchObject({ here: true })
  await expect(app.inspect.locate('none', 'k1')).rejects.toMatchObject({ code: 'STORE_UNKNOWN' })
  const { state, members } = await app.inspect.group()
  expect(state).toBe('Stable')
  expect(members.map(({ clientId }) => advertisedIn(clientId))).toEqual(['here:1'])
  expect(app.health().tasks[0]).toMatchObject({
    pass: undefined,
    partitions: [{ topic: 'in', position: 3, waitingRecords: 0, waitingSince: undefined, batchSize: 4 }],
  })
  await close()
})
