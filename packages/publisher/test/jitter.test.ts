import { ManualClock, MillraceError, silentLogger } from '@millrace/core'
import { memory } from '@millrace/transport-memory'
import { expect, test } from 'vitest'
import { BatchingPublisher } from '../src/batching-publisher.ts'
import { resolvePublisher } from '../src/resolve-options.ts'
import { failing } from './support/failing.ts'
import { settle, threeTopics } from './support/publishing.ts'

test('a retry comes earlier by a share of the jitter that is drawn', async () => {
  const clock = new ManualClock()
  const transport = memory({ faults: failing('a', 1, () => new MillraceError('KAFKA_ERROR', 'No.', { stage: 'sink', retryable: true })) })
  const admin = await transport.openAdmin({ logger: silentLogger })
  await admin.createTopics([{ topic: 'a', partitions: 1 }])
  const retry = { initialDelayMs: 100, jitter: 0.5 }
  const options = { transport, clock, events: threeTopics, environment: {}, batch: { size: 1 }, retry }
  const publisher = new BatchingPublisher<typeof threeTopics>({ ...resolvePublisher(options), random: () => 0.5 })
  const published = publisher.publish('a', { n: 1 })
  await settle()
  await clock.advance(74, settle)
  expect(publisher.metrics().batch).toMatchObject({ retries_total: 1, delivered_total: 0 })
  await clock.advance(1, settle)
  expect(await published).toMatchObject({ topic: 'a' })
  await publisher.close()
})
