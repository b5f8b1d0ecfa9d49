import { ManualClock } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { Cluster } from '../../src/cluster/cluster.ts'
import { resolveConnectOptions } from '../../src/cluster/connection-options.ts'
import { listOffsets } from '../../src/read/list-offsets.ts'
import { KEY, listed, WireBroker } from '../support/wire-broker.ts'
import { WirePair } from '../support/wire-pair.ts'

const WAIT = { timeout: 20_000, interval: 5 }
/** Of any clock: nothing is given up. */
const LONG_MS = 10_000_000

describe('a question to leaders', () => {
  it('goes to the next when one is silent and leads no more', async () => {
    await using pair = await WirePair.open({ name: 't', partitions: [{ leader: 1, epoch: 0 }] })
    const { first, second } = pair
    first.answers.set(KEY.listOffsets, () => 'silence')
    second.answers.set(KEY.listOffsets, () => listed('t', 0, { offset: 7 }))
    const clock = new ManualClock()
    const cluster = new Cluster(resolveConnectOptions({ brokers: first.brokers, requestTimeoutMs: LONG_MS }, []), clock)
    let offsets: unknown
    const asked = listOffsets(cluster, [{ topic: 't', partition: 0 }], { at: 'end', isolation: 'read-committed', clock }).then((found) => {
      offsets = found
    })
    await expect.poll(() => first.count(KEY.listOffsets), WAIT).toBe(1)
    const questions = pair.count(KEY.metadata)
    const looked = async (): Promise<number> => {
      await clock.advance(100)
      return pair.count(KEY.metadata)
    }
    // While it leads it is waited for.
    await expect.poll(looked, WAIT).toBeGreaterThan(questions + 2)
    expect([first.count(KEY.listOffsets), second.count(KEY.listOffsets)]).toEqual([1, 0])
    pair.topics = [{ name: 't', partitions: [{ leader: 2, epoch: 1 }] }]
    const answered = async (): Promise<unknown> => {
      await clock.advance(100)
      return offsets
    }
    await expect.poll(answered, WAIT).toEqual([{ topic: 't', partition: 0, offset: 7 }])
    await asked
    cluster.close()
  })
  it('of a partition that no broker knows ends soon, and one that was added meanwhile is found', async () => {
    await using broker = await WireBroker.open()
    broker.topics = [{ name: 't', partitions: [{ leader: 1, epoch: 0 }] }]
    const clock = new ManualClock()
    const cluster = new Cluster(resolveConnectOptions({ brokers: broker.brokers, requestTimeoutMs: LONG_MS }, []), clock)
    const end = async (): Promise<unknown> => {
      let outcome: unknown
      listOffsets(cluster, [{ topic: 't', partition: 1 }], { at: 'end', isolation: 'read-committed', clock }).then(
        (found) => {
          outcome = found
        },
        (error: unknown) => {
          outcome = error
        },
      )
      const advanced = async (): Promise<unknown> => {
        await clock.advance(100)
        return outcome
      }
      await expect.poll(advanced, WAIT).toBeDefined()
      return outcome
    }
    expect(await end()).toMatchObject({ kind: 'unknown-topic', message: 'There is no t-1: the partitions of the topic are 0 to 0.' })
    broker.answers.set(KEY.listOffsets, () => listed('t', 1, { offset: 7 }))
    const found = end()
    broker.topics = [{ name: 't', partitions: [0, 1].map(() => ({ leader: 1, epoch: 0 })) }]
    expect(await found).toEqual([{ topic: 't', partition: 1, offset: 7 }])
    cluster.close()
  })
})
