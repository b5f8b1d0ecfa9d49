import { describe, expect, inject, it } from 'vitest'
import { type GroupOptions, PackedAdmin } from '../../src/index.ts'
import { Confluent } from '../support/confluent.ts'
import { groupId, RecordedMember } from '../support/group.ts'

const LIMIT_MS = 120_000
const WAIT = { timeout: 60_000, interval: 20 }

const confluent = new Confluent(inject('kafkaBrokers'))
const brokers = confluent.addresses

async function join(group: string, topic: string, options: Partial<GroupOptions> = {}): Promise<RecordedMember> {
  const recorded = await RecordedMember.open(brokers, { groupProtocol: 'consumer', groupId: group, ...options })
  recorded.member.subscribe([topic])
  return recorded
}

function commitsWhatItGivesUp(recorded: RecordedMember): void {
  recorded.beforeRevoked = (partitions) => recorded.member.commit(partitions.map((one) => ({ ...one, offset: 5 })))
}

describe('GroupMember in groups of KIP-848', { timeout: LIMIT_MS }, () => {
  it('shares partitions with members that come and go, which get what was committed when it was given up', async () => {
    const topic = await confluent.topic(6)
    const group = groupId()
    await using first = await join(group, topic, { serverAssignor: 'range' })
    await expect.poll(() => first.held.size, WAIT).toBe(6)
    commitsWhatItGivesUp(first)
    await using second = await join(group, topic, { serverAssignor: 'range' })
    await using third = await join(group, topic, { serverAssignor: 'range' })
    const all = [first, second, third]
    await expect.poll(() => all.map(({ held }) => held.size), WAIT).toEqual([2, 2, 2])
    expect(new Set(all.flatMap(({ keys }) => keys)).size).toBe(6)
    const moved = [...second.held.values(), ...third.held.values()]
    const byPartition = moved.toSorted((one, other) => one.partition - other.partition)
    const found = await first.member.committed(byPartition, true)
    expect(found.toSorted((one, other) => one.partition - other.partition)).toEqual(byPartition.map((one) => ({ ...one, offset: 5 })))

    await using admin = await PackedAdmin.open({ brokers })
    const { members, state } = await admin.describeGroup(group)
    expect([state, members.map(({ assigned }) => assigned.length)]).toEqual(['Stable', [2, 2, 2]])
    await third.member.close()
    await expect.poll(() => [first.held.size, second.held.size], WAIT).toEqual([3, 3])
    expect(all.flatMap(({ calls }) => calls).filter((call) => call.startsWith('lost'))).toEqual([])
  })

  it('stays a member while JavaScript is busy for longer than a session, and keeps meanwhile what another is to have', async () => {
    const topic = await confluent.topic(4)
    const group = groupId()
    await using recorded = await join(group, topic)
    await expect.poll(() => recorded.held.size, WAIT).toBe(4)
    commitsWhatItGivesUp(recorded)
    // What stands in for it loads its client when it is first needed: on a busy machine that takes the best part of so short a session.
    standStill(2_500)
    await recorded.member.commit([{ topic, partition: 0, offset: 1 }])
    // It joins from threads of its own.
    await using _other = await confluent.member(group, topic, 'consumer')
    standStill(6_000)
    await recorded.member.commit([{ topic, partition: 0, offset: 1 }])
    await expect.poll(() => recorded.held.size, WAIT).toBe(2)
    expect(recorded.calls.filter((call) => call !== 'assigned ').map((call) => call.split(' ')[0])).toEqual(['assigned', 'revoked'])
  })

  it('is put out when JavaScript is busy for too long, and joins again', async () => {
    const topic = await confluent.topic(1)
    await using recorded = await join(groupId(), topic, { rebalanceTimeoutMs: 1_000 })
    await expect.poll(() => recorded.held.size, WAIT).toBe(1)
    const standing = (): number => {
      // Once is enough: it is put out as often as it stands still.
      if (recorded.busy === 0) standStill(2_500)
      return recorded.busy
    }
    await expect.poll(standing, WAIT).toBe(1)
    await expect.poll(() => recorded.held.size, WAIT).toBe(1)
    expect(recorded.calls.filter((call) => call !== 'assigned ').map((call) => call.split(' ')[0])).toEqual([
      'assigned',
      'lost',
      'assigned',
    ])
  })

  it('lets nobody in by the name of a static member that is there, who has its partitions back under it', async () => {
    const topic = await confluent.topic(2)
    const [group, options] = [groupId(), { groupInstanceId: 'one' }]
    await using first = await join(group, topic, options)
    await expect.poll(() => first.held.size, WAIT).toBe(2)
    await using second = await join(group, topic, options)
    // As many answers as it takes for the group to refuse the second more than once.
    for (let asked = 0; asked < 100; asked++) await first.member.committed([{ topic, partition: 0 }], false)
    expect([second.calls, second.failure, first.held.size]).toEqual([[], undefined, 2])
    await first.member.close()
    await expect.poll(() => second.held.size, WAIT).toBe(2)
    expect(first.failure).toBeUndefined()
  })

  it('has what is there of a topic that was made anew', async () => {
    const topic = await confluent.topic(1)
    await using recorded = await join(groupId(), topic, { topicsMaxAgeMs: 100 })
    await expect.poll(() => recorded.held.size, WAIT).toBe(1)
    await using admin = await PackedAdmin.open({ brokers })
    await admin.deleteTopic(topic)
    await expect.poll(() => recorded.held.size, WAIT).toBe(0)
    await admin.createTopic({ topic, partitions: 2 })
    await expect.poll(() => recorded.held.size, WAIT).toBe(2)
  })
})

function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
