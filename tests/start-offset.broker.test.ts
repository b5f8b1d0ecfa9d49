import { randomUUID } from 'node:crypto'
import { describe, expect, inject, test } from 'vitest'
import { defineApp, serdes, silentLogger, start, TopologyBuilder } from 'millrace'
import { kafka } from 'millrace/kafka'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const pair = { key: serdes.string, value: serdes.string }
const START = 1_700_000_000_000
const TEN = Array.from({ length: 10 }, (_, i) => i)

describe.each(['classic', 'consumer'] as const)('start-offset, with the %s protocol', (groupProtocol) => {
  test.each([
    ['the earliest record', 'earliest', 0],
    ['the latest', 'latest', 10],
    ['a date', new Date(START + 4), 4],
    ['a date that is yet to come', new Date(START + 1_000_000), 10],
  ] as const)(
    'a group without one begins at %s, and has committed that before the first record is processed',
    async (_, startAt, first) => {
      await using folder = await temporaryFolder()
      const transport = kafka({ brokers: inject('kafkaBrokers'), groupProtocol })
      await using log = await LogClient.open(transport)
      const id = randomUUID().slice(0, 8)
      const topics = { in: `in-${id}`, out: `out-${id}` }
      await log.createTopics({ [topics.in]: 1, [topics.out]: 1 })
      const write = (values: readonly number[]) =>
        log.write(
          topics.in,
          pair,
          values.map((i) => ({ key: 'k', value: String(i), timestamp: START + i, partition: 0 })),
        )
      await write(TEN)
      const committed = () => log.admin.committedOffsets(`start-${id}`, [{ topic: topics.in, partition: 0 }])
      let atFirst: Promise<readonly { readonly offset: number }[]> | undefined
      const builder = new TopologyBuilder('start-offset')
      builder
        .source('in', { topics: [topics.in], ...pair, startAt })
        .process('look', async (record, context) => {
          // The pass waits for the answer, so that nothing is committed behind its back.
          atFirst ??= committed()
          await atFirst
          context.forward(record)
        })
        .sink('out', { topic: topics.out, ...pair })
      const app = await start(
        defineApp({
          topology: builder.build(),
          applicationId: `start-${id}`,
          transport,
          stateDir: folder.path,
          logger: silentLogger,
          // Nothing is committed by itself while the test looks.
          commit: { intervalMs: 60_000 },
        }),
      )
      const running = app.run()
      await app.caughtUp()
      await write([10, 11])
      await app.caughtUp()
      await app.close()
      await running
      const [found] = (await atFirst) ?? []
      expect(found?.offset).toBe(first)
      const out = await log.readAll(topics.out, pair)
      expect(out.map(({ value }) => Number(value))).toEqual([...TEN, 10, 11].slice(first))
    },
  )
})
