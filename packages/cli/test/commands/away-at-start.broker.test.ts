import { expect, test } from 'vitest'
import { TcpProxy } from '../../../../tools/broker/tcp-proxy.mjs'
import { KafkaApp } from '../support/kafka-app.ts'

/** Processes that start on a busy machine take long. */
const PATIENCE = { timeout: 120_000 }

test('brokers that are away when it starts are waited for, and it runs once they are there', { timeout: 180_000 }, async () => {
  await using app = await KafkaApp.open()
  await using proxy = await TcpProxy.open()
  await app.write(1)
  const run = app.spawn(['run', 'word-count.ts', '--json'], { KAFKA_BROKERS: proxy.address, REQUEST_MS: '2000' })
  await expect.poll(() => run.events.map(({ event }) => event), PATIENCE).toContain('restarting')
  expect(run.stderr).toContain('{"error":')
  proxy.forwardTo(app.brokers)
  const partitions = [0, 1].map((partition) => ({ topic: app.topics.lines, partition }))
  const committed = async () => (await app.admin.committedOffsets(app.applicationId, partitions)).map(({ offset }) => offset)
  await expect.poll(committed, PATIENCE).toEqual([1, 1])
  run.signal('SIGTERM')
  expect(await run.ended).toBe(0)
  const internal = [`${app.applicationId}-by-word-repartition`, `${app.applicationId}-counts-changelog`]
  await app.admin.deleteTopics([app.topics.lines, app.topics.totals, ...internal])
})
