import { ManualClock } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { Cluster } from '../../src/cluster/cluster.ts'
import { resolveConnectOptions } from '../../src/cluster/connection-options.ts'
import { Coordinator, type CoordinatorCall } from '../../src/cluster/coordinator.ts'
import { heartbeat } from '../../src/group/group-calls.ts'
import { code } from '../support/classic-group.ts'
import { found, KEY } from '../support/wire-broker.ts'
import { WirePair } from '../support/wire-pair.ts'

const WAIT = { timeout: 20_000, interval: 5 }
/** Of any clock: nothing is given up. */
const LONG_MS = 10_000_000
/** Nobody listens there. */
const PORT_OF_NOBODY = 1
const CALL: CoordinatorCall<number> = {
  use: (connection) => heartbeat(connection, { groupId: 'g', memberId: 'm', generation: 1 }),
  codeOf: (answer) => answer,
  doing: 'hear of a member',
  patienceMs: LONG_MS,
}

interface Opened extends AsyncDisposable {
  readonly pair: WirePair
  readonly clock: ManualClock
  readonly cluster: Cluster
  readonly coordinator: Coordinator
}

/** Of brokers that take every heartbeat. Time stands still unless it is moved. */
async function open(): Promise<Opened> {
  const pair = await WirePair.open()
  pair.answer(KEY.heartbeat, () => code(0))
  const clock = new ManualClock()
  const cluster = new Cluster(resolveConnectOptions({ brokers: pair.first.brokers, requestTimeoutMs: LONG_MS }, []), clock)
  await cluster.refresh()
  return {
    pair,
    clock,
    cluster,
    coordinator: new Coordinator(cluster, { type: 'group', name: 'g', clock }),
    [Symbol.asyncDispose]: async () => {
      cluster.close()
      await pair[Symbol.asyncDispose]()
    },
  }
}

describe('a coordinator', () => {
  it('is looked for again, rather than waited for, while nobody listens where it was', async () => {
    await using opened = await open()
    const { cluster, coordinator, pair } = opened
    const { first } = pair
    first.ports.set(2, PORT_OF_NOBODY)
    await cluster.refresh()
    let at = found(0, PORT_OF_NOBODY, 2)
    pair.answer(KEY.findCoordinator, () => at)
    for (let i = 0; i < 3; i++) await expect(coordinator.once(CALL)).rejects.toMatchObject({ kind: 'unreachable', retriable: true })
    at = found(0, first.port, 1)
    expect(await coordinator.once(CALL)).toBe(0)
    expect(pair.count(KEY.findCoordinator)).toBe(4)
  })

  it('is found where it came back under another address', async () => {
    await using opened = await open()
    const { cluster, coordinator, pair } = opened
    const { first, second } = pair
    first.ports.set(2, PORT_OF_NOBODY)
    await cluster.refresh()
    first.ports.set(2, second.port)
    pair.answer(KEY.findCoordinator, () => found(0, second.port, 2))
    expect(await coordinator.once(CALL)).toBe(0)
    expect(second.count(KEY.heartbeat)).toBe(1)
  })

  it('is waited for no more when it is silent, and another has taken over', async () => {
    await using opened = await open()
    const { clock, coordinator, pair } = opened
    const { first, second } = pair
    second.answers.set(KEY.heartbeat, () => 'silence')
    let at = found(0, second.port, 2)
    pair.answer(KEY.findCoordinator, () => at)
    let answer: number | undefined
    const asked = coordinator.answer(CALL).then((answered) => {
      answer = answered
    })
    await expect.poll(() => second.count(KEY.heartbeat), WAIT).toBe(1)
    const looked = async (): Promise<number> => {
      await clock.advance(100)
      return pair.count(KEY.findCoordinator)
    }
    // As long as it is the one it is waited for.
    await expect.poll(looked, WAIT).toBeGreaterThan(3)
    expect([first.count(KEY.heartbeat), second.count(KEY.heartbeat)]).toEqual([0, 1])
    at = found(0, first.port, 1)
    const answered = async (): Promise<number | undefined> => {
      await clock.advance(100)
      return answer
    }
    await expect.poll(answered, WAIT).toBe(0)
    await asked
  })
})
