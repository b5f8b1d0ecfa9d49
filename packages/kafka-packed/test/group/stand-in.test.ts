import { describe, expect, it } from 'vitest'
import { resolveGroupOptions } from '../../src/group/group-options.ts'
import { StandIn, type StandInOrder } from '../../src/group/stand-in.ts'
import { roundsOf } from '../support/server-rounds.ts'

const WAIT = { timeout: 20_000, interval: 5 }

describe('the thread that stands in for a busy one', () => {
  it('is missed when it dies', async () => {
    const told: Error[] = []
    const options = resolveGroupOptions({ brokers: [{ host: 'none', port: 1 }], groupId: 'g' })
    const standIn = new StandIn(options, (error) => told.push(error))
    // It can set no timer by that.
    standIn.order({ intervalMs: 1n as never })
    await expect.poll(() => told.length, { timeout: 20_000 }).toBe(1)
    expect(told[0]).toBeInstanceOf(TypeError)
    await standIn.close()
  })

  it('goes on by the epoch that it was told, also when it is given its order once more by the one before', async () => {
    await using opened = await roundsOf({ name: 't', partitions: [] }, { toldEpoch: () => standIn.toldEpoch })
    const { broker, group, rounds } = opened
    const options = resolveGroupOptions({ brokers: broker.brokers, groupId: 'g', groupProtocol: 'consumer' })
    const standIn = new StandIn(options, () => {})
    group.answers = [{ epoch: 1 }, { epoch: 2 }, { epoch: 3 }]
    await rounds.run([])
    const order: StandInOrder = { member: rounds.metadata, report: rounds.report, address: broker.brokers[0], intervalMs: 10 }
    standIn.order(order)
    // This side has said nothing since: it stands still.
    await expect.poll(() => standIn.toldEpoch, WAIT).toBe(3)
    // An answer that was on its way before that is read when this side is back.
    standIn.order(order)
    expect(rounds.metadata.generation).toBe(3)
    const heard = group.heard.length
    await expect.poll(() => group.heard.length, WAIT).toBeGreaterThan(heard + 1)
    expect(group.last.epoch).toBe(3)
    standIn.order({})
    expect(standIn.toldEpoch).toBe(0)
    await standIn.close()
  })
})
