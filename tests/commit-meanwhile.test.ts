import { expect, test } from 'vitest'
import { BatchCountAggregator, defineApp, serdes, silentLogger, start, TopologyBuilder } from 'millrace'
import { leveldb } from 'millrace/leveldb'
import { memory, type MemoryOperation } from 'millrace/memory'
import { deferred } from './support/deferred.ts'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { countWords, someLines } from './support/word-count-topology.ts'

const text = { key: serdes.string, value: serdes.string }
const count = { key: serdes.string, value: serdes.safeInt64 }
const words = someLines(100).flatMap((line) => line.split(' '))
const records = words.map((key) => ({ key, value: '' }))

test.each([
  ['at-least-once', 'commit'],
  ['exactly-once', 'commit-transaction'],
] as const)('a commit in flight does not stop processing, %s', async (processingGuarantee, step) => {
  await using folder = await temporaryFolder()
  const gate = deferred()
  let held = 0
  let holding = false
  const before = async ({ type }: MemoryOperation) => {
    if (!holding || type !== step) return
    held++
    await gate.promise
  }
  const transport = memory({ faults: { before } })
  await using log = await LogClient.open(transport)
  await log.createTopics({ words: 1, totals: 1 })
  let processed = 0
  const counts = leveldb.keyValueStore({ name: 'counts', ...count })
  const builder = new TopologyBuilder('count')
  builder
    .source('words', { topics: ['words'], ...text })
    .process<string, string>('look', (record, context) => {
      processed++
      context.forward(record)
    })
    .process('count', { create: () => new BatchCountAggregator(counts), stores: [counts] })
    .sink('totals', { topic: 'totals', ...count })
  const app = await start(
    defineApp({
      topology: builder.build(),
      applicationId: 'meanwhile',
      transport,
      stateDir: folder.path,
      processingGuarantee,
      logger: silentLogger,
      batch: { size: 20, timeoutMs: 1 },
      commit: { intervalMs: 10 },
    }),
  )
  const running = app.run()
  await app.caughtUp()
  // Where reading begins is committed before the task does.
  await app.idle()
  holding = true
  await log.write('words', text, records.slice(0, 50))
  await expect.poll(() => held).toBe(1)
  const then = processed
  await log.write('words', text, records.slice(50))
  await expect.poll(() => processed).toBe(records.length)
  expect(then).toBeLessThan(records.length)
  expect(held).toBe(1)
  gate.resolve()
  await app.caughtUp()
  await app.close()
  await running
  const totals = new Map((await log.readAll('totals', count)).map(({ key, value }) => [key, value]))
  expect(totals).toEqual(countWords(words))
})
