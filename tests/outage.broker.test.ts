import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type AppDefinition, defineApp, type Logger, type RuntimeEvent, serdes, start } from 'millrace'
import { kafka } from 'millrace/kafka'
import { leveldb } from 'millrace/leveldb'
import { freePort } from '../tools/broker/free-port.mjs'
import { containing, matching } from './support/containing.ts'
import { LogClient } from './support/log-client.ts'
import { ownBroker } from './support/own-broker.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { countWords, inputSerdes, outputSerdes, someLines, wordCountTopology } from './support/word-count-topology.ts'

const counts = leveldb.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })
const topics = { input: 'lines', output: 'word-counts' }

function countingLogger() {
  const lines: string[] = []
  const log: Logger['info'] = (_fields, message) => void lines.push(message)
  const logger: Logger = { debug: () => undefined, info: log, warn: log, error: log }
  return { lines, logger }
}

function wordCount(brokers: string, stateDir: string, overrides: Partial<AppDefinition> = {}) {
  return defineApp({
    topology: wordCountTopology({ counts, topics }),
    applicationId: 'word-count',
    transport: kafka({ brokers, consumer: { 'session.timeout.ms': 6_000 } }),
    stateDir,
    batch: { size: 20, timeoutMs: 5 },
    ...overrides,
  })
}

async function withTopics(brokers: string) {
  const log = await LogClient.open(kafka({ brokers }))
  await log.createTopics({ [topics.input]: 2, [topics.output]: 2 })
  const send = (lines: readonly string[]) =>
    log.write(
      topics.input,
      inputSerdes,
      lines.map((value) => ({ key: null, value })),
    )
  return { log, send, [Symbol.asyncDispose]: () => log[Symbol.asyncDispose]() }
}

describe('a broker that is away', () => {
  test('at the start: the start is refused with its address, after the limit that was set', async () => {
    await using folder = await temporaryFolder()
    const brokers = `127.0.0.1:${await freePort()}`
    const { logger } = countingLogger()
    const transport = kafka({ brokers, connectTimeoutMs: 1_000 })
    await expect(start(wordCount(brokers, folder.path, { transport, logger }))).rejects.toMatchObject({
      code: 'BROKER_UNREACHABLE',
      retryable: true,
      message: containing(brokers),
    })
  })

  test('for half a minute: the application waits without spinning, and nothing is lost', { timeout: 180_000 }, async () => {
    await using broker = await ownBroker()
    await using folder = await temporaryFolder()
    await using run = await withTopics(broker.brokers)
    const { lines: logged, logger } = countingLogger()
    const lines = someLines(4_000)
    await run.send(lines.slice(0, 2_000))
    const commits: RuntimeEvent[] = []
    const app = await start(
      wordCount(broker.brokers, folder.path, {
        logger,
        observer: (event) => {
          if (event.type === 'commit') commits.push(event)
        },
      }),
    )
    const running = app.run()
    while (commits.length === 0) await pause(10)
    await broker.kill(0)
    const cpu = process.cpuUsage()
    const loggedBefore = logged.length
    await pause(30_000)
    const { user, system } = process.cpuUsage(cpu)
    const loggedMeanwhile = logged.length - loggedBefore
    // It may be about to begin anew from what is committed, for as long as nobody answers.
    expect(['running', 'rebalancing']).toContain(app.state)
    await broker.restart(0)
    await run.send(lines.slice(2_000))
    await app.caughtUp()
    await app.close()
    await running
    // A loop that does not wait takes a whole core, and writes more than a line a second.
    expect((user + system) / 1_000_000).toBeLessThan(10)
    expect(loggedMeanwhile).toBeLessThan(60)
    const last = new Map<string, number>()
    for (const { key, value } of await run.log.readAll(topics.output, outputSerdes)) last.set(key, Math.max(value, last.get(key) ?? 0))
    const lost = [...countWords(lines)].filter(([word, count]) => (last.get(word) ?? 0) < count)
    expect(lost).toEqual([])
  })

  test('at the shutdown: it ends within its limits, and says what was not committed', { timeout: 120_000 }, async () => {
    await using broker = await ownBroker()
    await using folder = await temporaryFolder()
    await using run = await withTopics(broker.brokers)
    const { logger } = countingLogger()
    await run.send(someLines(2_000))
    let cuts = 0
    const app = await start(
      wordCount(broker.brokers, folder.path, {
        logger,
        revokeTimeoutMs: 3_000,
        commit: { intervalMs: 600_000 },
        observer: (event) => {
          if (event.type === 'cut') cuts++
        },
      }),
    )
    const running = app.run()
    running.catch(() => undefined)
    while (cuts < 20) await pause(10)
    await broker.kill(0)
    // What the client says first: that it can't look up a topic, or nothing at all until time is up.
    await expect(app.close()).rejects.toMatchObject({ code: matching(/^(TIMED_OUT|BROKER_UNREACHABLE)$/) })
    await expect(running).rejects.toMatchObject({ code: matching(/^(TIMED_OUT|BROKER_UNREACHABLE)$/) })
  })
})
