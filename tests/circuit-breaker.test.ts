import { expect, test } from 'vitest'
import { defineApp, type RuntimeEvent, serdes, silentLogger, start, TopologyBuilder } from 'millrace'
import { memory } from 'millrace/memory'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const pair = { key: serdes.string, value: serdes.int32 }

test('a partition whose batches fail waits, then tries one, while others go on; health and events tell it', async () => {
  await using folder = await temporaryFolder()
  const transport = memory()
  await using log = await LogClient.open(transport)
  await log.createTopics({ in: 2, out: 2 })
  const events: RuntimeEvent[] = []
  let broken = true
  let calls = 0
  const builder = new TopologyBuilder('breaks')
  builder
    .source('in', { topics: ['in'], ...pair })
    .process<string, number>('call', (record, context) => {
      if (context.partition === 0) calls++
      if (broken && context.partition === 0) throw new Error('the other system is down')
      context.forward(record)
    })
    .sink('out', { topic: 'out', ...pair, partitioner: ({ partition }) => partition })
  const app = await start(
    defineApp({
      topology: builder.build(),
      applicationId: 'breaks',
      transport,
      stateDir: folder.path,
      logger: silentLogger,
      batch: { size: 5, timeoutMs: 1, maxRetries: 1_000 },
      failure: { retry: { initialDelayMs: 1, maxDelayMs: 1 }, circuitBreaker: { threshold: 0.5, window: 4, minimum: 2, openMs: 50 } },
      observer: (event) => events.push(event),
    }),
  )
  const running = app.run()
  await log.write(
    'in',
    pair,
    Array.from({ length: 40 }, (_, value) => ({ key: 'k', value, partition: value & 1 })),
  )
  const changes = () => events.flatMap((event) => (event.type === 'circuit' ? [`${event.task} ${event.node} ${event.to}`] : []))
  while (!changes().includes('0_0 call half-open')) await new Promise((resolve) => setTimeout(resolve, 1))
  while (app.health().tasks.every(({ circuits }) => circuits['call'] !== 'open')) await new Promise((resolve) => setTimeout(resolve, 1))
  expect(app.health()).toMatchObject({
    state: 'running',
    healthy: false,
    tasks: [
      { task: '0_0', state: 'running', circuits: { call: 'open' }, waitsFor: 'retry', waitingRecords: 20 },
      { task: '0_1', state: 'running', circuits: {}, waitsFor: undefined, waitingRecords: 0 },
    ],
  })
  await app.commit()
  expect(await log.committed('breaks', 'in')).toEqual([0, 20])
  // Each time one batch is tried, of which the first record fails.
  const tries = changes().filter((change) => change.endsWith('half-open')).length
  expect(calls).toBeLessThanOrEqual(2 + tries + 1)
  broken = false
  await app.caughtUp()
  expect(changes().at(-1)).toBe('0_0 call closed')
  expect(app.health()).toMatchObject({ healthy: true, error: undefined })
  await app.close()
  await running
  expect((await log.readAll('out', pair)).map(({ value }) => value).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 40 }, (_, value) => value),
  )
})

test('closing while a circuit breaker is open does not wait for it, and hands the batch back', async () => {
  await using folder = await temporaryFolder()
  const transport = memory()
  await using log = await LogClient.open(transport)
  await log.createTopics({ in: 1 })
  const builder = new TopologyBuilder('stays')
  builder.source('in', { topics: ['in'], ...pair }).process('call', () => {
    throw new Error('the other system is down')
  })
  let opened = false
  const app = await start(
    defineApp({
      topology: builder.build(),
      applicationId: 'stays',
      transport,
      stateDir: folder.path,
      logger: silentLogger,
      batch: { size: 5, timeoutMs: 1, maxRetries: 1_000 },
      failure: { retry: { initialDelayMs: 0 }, circuitBreaker: { minimum: 1, openMs: 3_600_000 } },
      observer: (event) => {
        if (event.type === 'circuit') opened = true
      },
    }),
  )
  const running = app.run()
  await log.write('in', pair, [{ key: 'k', value: 1 }])
  while (!opened) await new Promise((resolve) => setTimeout(resolve, 1))
  await app.close()
  await running
  expect(await log.committed('stays', 'in')).toEqual([0])
})

test('while the breaker is open records lose no chance: an outage that is longer than all retries makes no dead letters', async () => {
  await using folder = await temporaryFolder()
  const transport = memory()
  await using log = await LogClient.open(transport)
  await log.createTopics({ in: 1, out: 1, dead: 1 })
  let failures = 8
  const builder = new TopologyBuilder('outage')
  builder
    .source('in', { topics: ['in'], ...pair })
    .process<string, number>('call', {
      create: () => ({
        processBatch(batch, context) {
          if (failures-- > 0) throw new Error('the other system is down')
          context.forwardBatch({ keys: batch.keys, values: batch.values })
        },
      }),
    })
    .sink('out', { topic: 'out', ...pair })
  const app = await start(
    defineApp({
      topology: builder.build(),
      applicationId: 'outage',
      transport,
      stateDir: folder.path,
      logger: silentLogger,
      batch: { size: 10, timeoutMs: 1, maxRetries: 2 },
      failure: {
        process: 'dead-letter',
        deadLetter: { topic: 'dead' },
        retry: { initialDelayMs: 0 },
        circuitBreaker: { window: 4, minimum: 2, openMs: 1 },
      },
    }),
  )
  const running = app.run()
  await log.write(
    'in',
    pair,
    Array.from({ length: 10 }, (_, value) => ({ key: 'k', value })),
  )
  await app.caughtUp()
  await app.close()
  await running
  expect(await log.readAll('dead', pair)).toEqual([])
  expect((await log.readAll('out', pair)).map(({ value }) => value)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})
