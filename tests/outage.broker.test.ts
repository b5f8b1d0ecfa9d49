import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type RuntimeEvent, start } from 'millrace'
import { kafka } from 'millrace/kafka'
import { freePort } from '../tools/broker/free-port.mjs'
import { containing } from './support/containing.ts'
import { busiestThreadDuring } from './support/load.ts'
import { countingLogger, type GroupProtocol, withTopics, wordCount } from './support/outage-app.ts'
import { ownBroker } from './support/own-broker.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { someLines } from './support/word-count-topology.ts'

/** Of one core, and of the event loop's time. Who asks without waiting takes a whole one, however fast the machine is. */
const ACCEPTABLE_LOAD = 0.5
/** After which the client has noticed that nobody is there. */
const SETTLED_MS = 5_000

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
})
