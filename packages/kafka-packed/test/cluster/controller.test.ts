import { ManualClock } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { Cluster } from '../../src/cluster/cluster.ts'
import { resolveConnectOptions } from '../../src/cluster/connection-options.ts'
import { Controller } from '../../src/cluster/controller.ts'
import { decodeFindCoordinator, encodeFindCoordinator, FIND_COORDINATOR } from '../../src/wire/find-coordinator.ts'
import { found, KEY } from '../support/wire-broker.ts'
import { WirePair } from '../support/wire-pair.ts'

const WAIT = { timeout: 20_000, interval: 5 }
/** Of any clock: nothing is given up. */
const LONG_MS = 10_000_000

describe('a question to the controller', () => {
  it('goes to another once the one that was asked is silent, and no broker of the cluster any more', async () => {
    await using pair = await WirePair.open()
    const { first, second } = pair
    // One whose answer can be told: any question will do.
    first.answers.set(KEY.findCoordinator, () => 'silence')
    second.answers.set(KEY.findCoordinator, () => found(0, 1, 7))
    const clock = new ManualClock()
    const cluster = new Cluster(resolveConnectOptions({ brokers: first.brokers, requestTimeoutMs: LONG_MS }, []), clock)
    await cluster.refresh()
    let node = 0
    const parts = [encodeFindCoordinator('g')]
    const asked = new Controller(cluster, clock)
      .call({
        use: (connection) => connection.send({ ...FIND_COORDINATOR, parts, decode: decodeFindCoordinator }),
        codeOf: ({ code }) => code,
        reasonOf: () => null,
        doing: 'answer',
      })
      .then((answer) => {
        node = answer.node
      })
    await expect.poll(() => first.count(KEY.findCoordinator), WAIT).toBe(1)
    const questions = pair.count(KEY.metadata)
    const looked = async (): Promise<number> => {
      await clock.advance(100)
      return pair.count(KEY.metadata)
    }
    // As long as it is there it may be at work.
    await expect.poll(looked, WAIT).toBeGreaterThan(questions + 2)
    expect([first.count(KEY.findCoordinator), second.count(KEY.findCoordinator)]).toEqual([1, 0])
    pair.nodes = [2]
    const answered = async (): Promise<number> => {
      await clock.advance(100)
      return node
    }
    await expect.poll(answered, WAIT).toBe(7)
    await asked
    cluster.close()
  })
})
