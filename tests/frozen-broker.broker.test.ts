import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type App, defineApp, MillraceError, serdes, silentLogger, start } from 'millrace'
import { kafka } from 'millrace/kafka'
import { leveldb } from 'millrace/leveldb'
import { LogClient } from './support/log-client.ts'
import { ownBroker } from './support/own-broker.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { countWords, inputSerdes, outputSerdes, someLines, wordCountTopology } from './support/word-count-topology.ts'

const counts = leveldb.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })
/** Of one core. Who asks without waiting takes a whole one, however fast the machine is. */
const ACCEPTABLE_LOAD = 0.5
const CLOSE_LIMIT_MS = 60_000
const topics = { input: 'lines', output: 'word-counts' }

/** Brokers that have only just gone on may answer a question too late. */
async function caughtUp(app: App): Promise<void> {
  for (;;) {
    try {
      await app.caughtUp()
      return
    } catch (error) {
      if (app.state === 'error' || !(error instanceof MillraceError && error.retryable)) throw error
    }
  }
}

test(
  'a broker that stands still for longer than everything waits: the application recovers, loses nothing, and can be closed meanwhile',
  { timeout: 300_000 },
  async () => {
    await using broker = await ownBroker()
    await using folder = await temporaryFolder()
    const { brokers } = broker
    await using log = await LogClient.open(kafka({ brokers }))
    await log.createTopics({ [topics.input]: 2, [topics.output]: 2 })
    const lines = someLines(6_000)
    const send = (from: number, to: number) =>
      log.write(
        topics.input,
        inputSerdes,
        lines.slice(from, to).map((value) => ({ key: null, value })),
      )
    let cuts = 0
    let setbacks = 0
    const open = () =>
      start(
        defineApp({
          topology: wordCountTopology({ counts, topics }),
          applicationId: 'word-count',
          // As short as may be: a session that ends and a delivery that is given up.
          transport: kafka({ brokers, requestTimeoutMs: 5_000, connectTimeoutMs: 5_000, consumer: { 'session.timeout.ms': 6_000 } }),
          stateDir: folder.path,
          logger: silentLogger,
          batch: { size: 20, timeoutMs: 5 },
          commit: { intervalMs: 2_000 },
          revokeTimeoutMs: 3_000,
          observer: ({ type }) => {
            if (type === 'cut') cuts++
            // A session may end before the commit that stands still is given up: then there is nothing to recover, it is all somebody else's.
            if (type === 'recover' || type === 'lost') setbacks++
          },
        }),
      )
    const app = await open()
    const running = app.run()
    await send(0, 2_000)
    await caughtUp(app)

    const before = cuts
    // Not waited for: all of it might be counted, and committed, by then.
    const sending = send(2_000, 4_000)
    sending.catch(() => undefined)
    // In the midst of it, and before a commit.
    while (cuts < before + 5) await pause(1)
    await broker.freeze(0)
    const idle = performance.eventLoopUtilization()
    while (setbacks === 0) await pause(100)
    // Of our own thread: one of the client's may be busy for as long as it has more to send than it may have on its way.
    expect(performance.eventLoopUtilization(idle).utilization).toBeLessThan(ACCEPTABLE_LOAD)
    await broker.thaw(0)
    await sending
    await caughtUp(app)

    await send(4_000, 6_000)
    await broker.freeze(0)
    const closing = performance.now()
    // It ends, well or not: what it could not commit is for the next run.
    await app.close().catch(() => undefined)
    await running.catch(() => undefined)
    expect(performance.now() - closing).toBeLessThan(CLOSE_LIMIT_MS)
    expect(['not-running', 'error']).toContain(app.state)
    await broker.thaw(0)

    await using next = await open()
    const nextRunning = next.run()
    await caughtUp(next)
    await next.close()
    await nextRunning
    const last = new Map<string, number>()
    for (const { key, value } of await log.readAll(topics.output, outputSerdes)) last.set(key, Math.max(value, last.get(key) ?? 0))
    const lost = [...countWords(lines)].filter(([word, count]) => (last.get(word) ?? 0) < count)
    expect(lost).toEqual([])
  },
)
