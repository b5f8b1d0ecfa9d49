import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type RuntimeEvent, start } from 'millrace'
import { kafka } from 'millrace/kafka'
import { matching } from './support/containing.ts'
import { countingLogger, SHORT_SESSION, withTopics, wordCount } from './support/outage-app.ts'
import { ownBroker } from './support/own-broker.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { someLines } from './support/word-count-topology.ts'

/** Of a shutdown: for the pass under way, and as long again for the last commit. */
const REVOKE_MS = 2_500
/** For a writer that is being opened, where a write had failed before. */
const CONNECT_MS = 10_000
/** All of them, and what the clients may take to close. */
const CLOSE_LIMIT_MS = 2 * REVOKE_MS + CONNECT_MS + 45_000
/** After which the client has noticed that nobody is there. */
const SETTLED_MS = 5_000
const GIVEN_UP = /^tasks are made anew from what is committed|^these tasks were lost to the group/

// In a process of its own, as a user's is: beside the clients of another test in one process the shutdown takes longer.
test(
  'a broker that is away at the shutdown: it ends within its limits, and says what was not committed',
  { timeout: 120_000 },
  async () => {
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
    // If a write failed before the shutdown began, or the session ended, what was processed has been given up then, and the log has said so.
    const said = error ?? logged.find(({ message }) => GIVEN_UP.test(message))?.err
    // What the client says first: that it can't look up a topic, or nothing at all until time is up.
    expect(said).toMatchObject({ code: matching(/^(TIMED_OUT|BROKER_UNREACHABLE|DELIVERY_FAILED|COMMIT_ABANDONED)$/) })
    expect(await ended).toBe(error)
  },
)
