import { randomUUID } from 'node:crypto'
import { describe, expect, inject, test } from 'vitest'
import { defineApp, serdes, silentLogger, start, TopologyBuilder } from 'millrace'
import { kafka } from 'millrace/kafka'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const pair = { key: serdes.string, value: serdes.string }

describe('order', () => {
  test('on Kafka, a task of two topics takes the record with the lowest timestamp next, with two members', async () => {
    await using folder = await temporaryFolder()
    const transport = kafka({ brokers: inject('kafkaBrokers') })
    await using log = await LogClient.open(transport)
    const id = randomUUID().slice(0, 8)
    const topics = { a: `a-${id}`, b: `b-${id}`, out: `out-${id}` }
    await log.createTopics({ [topics.a]: 2, [topics.b]: 2, [topics.out]: 2 })
    const builder = new TopologyBuilder('two-inputs')
    const first = builder.source('a', { topics: [topics.a], ...pair })
    const second = builder.source('b', { topics: [topics.b], ...pair })
    first.merge('both', second).sink('out', { topic: topics.out, ...pair, partitioner: ({ partition }) => partition })
    const member = () =>
      start(
        defineApp({
          topology: builder.build(),
          applicationId: `two-${id}`,
          transport,
          stateDir: folder.path,
          logger: silentLogger,
          batch: { size: 7, timeoutMs: 5 },
        }),
      )
    // Interleaved timestamps: 0 2 4 ... in one topic, 1 3 5 ... in the other, in both partitions.
    for (const [topic, from] of [
      [topics.a, 0],
      [topics.b, 1],
    ] as const) {
      await log.write(
        topic,
        pair,
        Array.from({ length: 200 }, (_, i) => ({
          key: 'k',
          value: `${topic}:${i}`,
          timestamp: 1_000 + from + 2 * (i >> 1),
          partition: i & 1,
        })),
      )
    }
    const members = [await member(), await member()]
    const running = members.map((app) => app.run())
    await members[0]!.caughtUp()
    await Promise.all(members.map((app) => app.close()))
    await Promise.all(running)
    const out = await log.readAll(topics.out, pair)
    expect(out).toHaveLength(400)
    for (const partition of [0, 1]) {
      const times = out.filter((record) => record.partition === partition).map(({ timestamp }) => timestamp)
      expect(times).toEqual(Array.from({ length: 200 }, (_, i) => 1_000 + i))
    }
  })
})
