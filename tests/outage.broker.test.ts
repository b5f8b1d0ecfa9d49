import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type AppDefinition, defineApp, type Logger, type RuntimeEvent, serdes, start } from 'millrace'
import { kafka } from 'millrace/kafka'
import { leveldb } from 'millrace/leveldb'
import { freePort } from '../tools/broker/free-port.mjs'
import { containing, matching } from './support/containing.ts'
import { LogClient } from './support/log-client.ts'
import { busiestThreadDuring } from './support/load.ts'
import { ownBroker } from './support/own-broker.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { countWords, inputSerdes, outputSerdes, someLines, wordCountTopology } from './support/word-count-topology.ts'

const counts = leveldb.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })
/** Of one core, and of the event loop's time. Who asks without waiting takes a whole one, however fast the machine is. */
const ACCEPTABLE_LOAD = 0.5
/** Of a shutdown: for the pass under way, and as long again for the last commit. */
const REVOKE_MS = 2_500
/** For a writer that is being opened, where a write had failed before. */
const CONNECT_MS = 10_000
/** All of them, and what the clients may take to close. */
const CLOSE_LIMIT_MS = 2 * REVOKE_MS + CONNECT_MS + 45_000
/** After which the client has noticed that nobody is there. */
const SETTLED_MS = 5_000

function countingLogger() {
  const lines: { readonly message: string; readonly err: unknown }[] = []
  const log: Logger['info'] = (fields, message) => void lines.push({ message, err: (fields as { err?: unknown }).err })
  const logger: Logger = { debug: () => undefined, info: log, warn: log, error: log }
  return { lines, logger }
}

const SHORT_SESSION = { 'session.timeout.ms': 6_000 }

type GroupProtocol = 'classic' | 'consumer'

function wordCount(brokers: string, stateDir: string, overrides: Partial<AppDefinition> & { readonly groupProtocol?: GroupProtocol } = {}) {
  const { groupProtocol = 'classic', ...definition } = overrides
  const consumer = groupProtocol === 'classic' ? SHORT_SESSION : undefined
  return defineApp({
    topology: wordCountTopology({ counts, topics: topicsOf(groupProtocol) }),
    applicationId: `word-count-${groupProtocol}`,
    transport: kafka({ brokers, groupProtocol, consumer }),
    stateDir: join(stateDir, groupProtocol),
    batch: { size: 20, timeoutMs: 5 },
    ...definition,
  })
}

function topicsOf(groupProtocol: GroupProtocol) {
  return { input: `lines-${groupProtocol}`, output: `word-counts-${groupProtocol}` }
}

async function withTopics(brokers: string, groupProtocol: GroupProtocol = 'classic') {
  const log = await LogClient.open(kafka({ brokers }))
  const topics = topicsOf(groupProtocol)
  await log.createTopics({ [topics.input]: 2, [topics.output]: 2 })
  const send = (lines: readonly string[]) =>
    log.write(
      topics.input,
      inputSerdes,
      lines.map((value) => ({ key: null, value })),
    )
  /** The words of which less has been counted than there is in the lines. */
  const lostOf = async (lines: readonly string[]) => {
    const last = new Map<string, number>()
    for (const { key, value } of await log.readAll(topics.output, outputSerdes)) last.set(key, Math.max(value, last.get(key) ?? 0))
    return [...countWords(lines)].filter(([word, count]) => (last.get(word) ?? 0) < count)
  }
  return { log, send, lostOf, [Symbol.asyncDispose]: () => log[Symbol.asyncDispose]() }
}

describe.concurrent('a broker that is away', () => {
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

  test(
    'for half a minute: applications of both kinds of group wait without spinning, and nothing is lost',
    { timeout: 180_000 },
    async () => {
      await using broker = await ownBroker()
      await using folder = await temporaryFolder()
      const { lines: logged, logger } = countingLogger()
      const lines = someLines(4_000)
      await using classic = await withTopics(broker.brokers, 'classic')
      await using consumer = await withTopics(broker.brokers, 'consumer')
      const open = async (groupProtocol: GroupProtocol, { send, lostOf }: typeof classic) => {
        await send(lines.slice(0, 2_000))
        const commits: RuntimeEvent[] = []
        const observer = (event: RuntimeEvent) => void (event.type === 'commit' && commits.push(event))
        const app = await start(wordCount(broker.brokers, folder.path, { groupProtocol, logger, observer }))
        return { app, running: app.run(), commits, send, lostOf }
      }
      const runs = await Promise.all([open('classic', classic), open('consumer', consumer)])
      while (runs.some(({ commits }) => commits.length === 0)) await pause(10)
      await broker.kill(0)
      await pause(SETTLED_MS)
      const idle = performance.eventLoopUtilization()
      const loggedBefore = logged.length
      const load = await busiestThreadDuring(25_000)
      const { utilization } = performance.eventLoopUtilization(idle)
      const loggedMeanwhile = logged.length - loggedBefore
      // They may be about to begin anew from what is committed, for as long as nobody answers.
      for (const { app } of runs) expect(['running', 'rebalancing']).toContain(app.state)
      await broker.restart(0)
      for (const { send } of runs) await send(lines.slice(2_000))
      for (const { app, running } of runs) {
        await app.caughtUp()
        await app.close()
        await running
      }
      expect(utilization).toBeLessThan(ACCEPTABLE_LOAD)
      expect(load).toBeLessThan(ACCEPTABLE_LOAD)
      // A loop that does not wait writes more than a line a second.
      expect(loggedMeanwhile).toBeLessThan(60)
      for (const { lostOf } of runs) expect(await lostOf(lines)).toEqual([])
    },
  )

  test('at the shutdown: it ends within its limits, and says what was not committed', { timeout: 120_000 }, async () => {
    await using broker = await ownBroker()
    await using folder = await temporaryFolder()
    await using run = await withTopics(broker.brokers)
    const { lines: logged, logger } = countingLogger()
    await run.send(someLines(2_000))
    let cuts = 0
    const observer = (event: RuntimeEvent) => void (event.type === 'cut' && cuts++)
    const { brokers } = broker
    const limits = { revokeTimeoutMs: REVOKE_MS, transport: kafka({ brokers, connectTimeoutMs: CONNECT_MS, consumer: SHORT_SESSION }) }
    const app = await start(wordCount(brokers, folder.path, { logger, commit: { intervalMs: 600_000 }, ...limits, observer }))
    const ended: Promise<unknown> = app.run().catch((caught: unknown) => caught)
    while (cuts < 20) await pause(10)
    await broker.kill(0)
    await pause(SETTLED_MS)
    const since = performance.now()
    const error: unknown = await app.close().catch((caught: unknown) => caught)
    const tookMs = performance.now() - since
    expect(tookMs).toBeLessThan(CLOSE_LIMIT_MS)
    // If a write failed before the shutdown began, what was processed has been given up then, and the log has said so.
    const said = error ?? logged.find(({ message }) => message === 'tasks are made anew from what is committed')?.err
    // What the client says first: that it can't look up a topic, or nothing at all until time is up.
    expect(said).toMatchObject({ code: matching(/^(TIMED_OUT|BROKER_UNREACHABLE|DELIVERY_FAILED)$/) })
    expect(await ended).toBe(error)
  })
})
