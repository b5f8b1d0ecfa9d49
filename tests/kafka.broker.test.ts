import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { describe, expect, inject, test } from 'vitest'
import { type AppDefinition, defineApp, serdes, silentLogger, start } from 'millrace'
import { kafka } from 'millrace/kafka'
import { leveldb } from 'millrace/leveldb'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { countWords, inputSerdes, outputSerdes, someLines, wordCountTopology } from './support/word-count-topology.ts'

const counts = leveldb.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })

/** A word count on topics and a group of its own. */
async function setUp(partitions: number) {
  const transport = kafka({ brokers: inject('kafkaBrokers'), consumer: { 'session.timeout.ms': 6_000, 'heartbeat.interval.ms': 500 } })
  const id = randomUUID().slice(0, 8)
  const topics = { input: `lines-${id}`, output: `word-counts-${id}` }
  const log = await LogClient.open(transport)
  await log.createTopics({ [topics.input]: partitions, [topics.output]: partitions })
  const applicationId = `word-count-${id}`
  const open = (stateDir: string, overrides: Partial<AppDefinition> = {}) =>
    start(
      defineApp({
        topology: wordCountTopology({ counts, topics }),
        applicationId,
        transport,
        stateDir,
        logger: silentLogger,
        batch: { size: 100, timeoutMs: 5 },
        ...overrides,
      }),
    )
  const send = (lines: readonly string[]) =>
    log.write(
      topics.input,
      inputSerdes,
      lines.map((value) => ({ key: null, value })),
    )
  return { log, topics, applicationId, open, send }
}

/** Each word's counts are 1, 2, 3... in order, up to the true count. */
async function expectExact(log: LogClient, topic: string, lines: readonly string[]) {
  const last = new Map<string, number>()
  for (const { key, value } of await log.readAll(topic, outputSerdes)) {
    expect([key, value]).toEqual([key, (last.get(key) ?? 0) + 1])
    last.set(key, value)
  }
  expect(last).toEqual(countWords(lines))
}

describe('order', () => {
  test.each([1, 100, 10_000])("on Kafka, each word's counts ascend without a gap with batches of %d", async (size) => {
    await using folder = await temporaryFolder()
    const { log, topics, open, send } = await setUp(3)
    await using _log = log
    const lines = someLines(2_000)
    await send(lines)
    const app = await open(folder.path, { batch: { size, timeoutMs: 5 } })
    const running = app.run()
    await app.caughtUp()
    await app.close()
    await running
    await expectExact(log, topics.output, lines)
  })
})

describe('drain', () => {
  test('on Kafka, a run that is stopped in the middle and gone on with repeats and loses nothing', async () => {
    await using folder = await temporaryFolder()
    const { log, topics, open, send } = await setUp(3)
    await using _log = log
    const lines = someLines(5_000)
    await send(lines)
    let passes = 0
    let enough: () => void = () => undefined
    const someDone = new Promise<void>((resolve) => {
      enough = resolve
    })
    const first = await open(folder.path, {
      batch: { size: 20, timeoutMs: 5 },
      observer: (event) => {
        if (event.type === 'cut' && ++passes === 60) enough()
      },
    })
    const firstRun = first.run()
    await someDone
    await first.close()
    await firstRun
    const second = await open(folder.path)
    const secondRun = second.run()
    await second.caughtUp()
    await second.close()
    await secondRun
    await expectExact(log, topics.output, lines)
  })

  test('on Kafka, a second member takes over part of the work while records flow, and gives it back when it leaves', async () => {
    await using folder = await temporaryFolder()
    const { log, topics, open, send } = await setUp(4)
    await using _log = log
    const lines = someLines(3_000)
    const first = await open(folder.path)
    const firstRun = first.run()
    await send(lines.slice(0, 1_000))
    let taken: () => void = () => undefined
    const tookOver = new Promise<void>((resolve) => {
      taken = resolve
    })
    const second = await open(folder.path, {
      observer: (event) => {
        if (event.type === 'assigned') taken()
      },
    })
    const secondRun = second.run()
    await tookOver
    await send(lines.slice(1_000, 2_000))
    await first.caughtUp()
    await second.close()
    await secondRun
    await send(lines.slice(2_000))
    await first.caughtUp()
    await first.close()
    await firstRun
    await expectExact(log, topics.output, lines)
  })
})

describe('restore', () => {
  test.each(['kept', 'deleted'] as const)('on Kafka, counting goes on after a restart with the state folder %s', async (state) => {
    await using folder = await temporaryFolder()
    const { log, topics, open, send } = await setUp(2)
    await using _log = log
    const lines = someLines(2_000)
    for (const part of [lines.slice(0, 1_000), lines.slice(1_000)]) {
      await send(part)
      const app = await open(folder.path)
      const running = app.run()
      await app.caughtUp()
      await app.close()
      await running
      if (state === 'deleted') await rm(folder.path, { recursive: true })
    }
    await expectExact(log, topics.output, lines)
  })
})
