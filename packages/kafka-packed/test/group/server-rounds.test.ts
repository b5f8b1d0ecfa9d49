import { describe, expect, it } from 'vitest'
import { Cluster } from '../../src/cluster/cluster.ts'
import { Coordinator } from '../../src/cluster/coordinator.ts'
import { resolveGroupOptions } from '../../src/group/group-options.ts'
import { ServerRounds } from '../../src/group/server-rounds.ts'
import type { GroupOptions } from '../../src/index.ts'
import { RecordedMember } from '../support/group.ts'
import { WireBroker, type WireTopic } from '../support/wire-broker.ts'
import { type WireAssignment, WireGroup } from '../support/wire-group.ts'

const WAIT = { timeout: 60_000, interval: 5 }
const PARTITIONS = [0, 1, 2].map(() => ({ leader: 1, epoch: 0 }))
const TOPIC: WireTopic = { name: 'the t', id: 1, partitions: PARTITIONS }
const AT = { topic: TOPIC.name, partition: 0, offset: 1 }

interface Opened extends AsyncDisposable {
  readonly broker: WireBroker
  readonly group: WireGroup
  readonly recorded: RecordedMember
}

/** A member that has subscribed, and will be answered so. */
async function join(answers: WireAssignment[], options: Partial<GroupOptions> = {}, topics = [TOPIC]): Promise<Opened> {
  const broker = await WireBroker.open(...topics)
  const group = new WireGroup(broker)
  group.answers = answers
  const recorded = await RecordedMember.open(broker.brokers, { groupProtocol: 'consumer', groupId: 'g', topicsMaxAgeMs: 10, ...options })
  recorded.member.subscribe([TOPIC.name])
  return {
    broker,
    group,
    recorded,
    [Symbol.asyncDispose]: async () => {
      await recorded.member.close()
      await broker[Symbol.asyncDispose]()
    },
  }
}

function beats({ group }: Opened): Promise<void> {
  const before = group.heard.length
  return expect.poll(() => group.heard.length, WAIT).toBeGreaterThan(before + 1)
}

describe('a member of a group of KIP-848', () => {
  it('tells everything with each heartbeat, and has what it is given, by the names of topics', async () => {
    await using opened = await join([{ epoch: 3, given: { 1: [0, 2] } }], { serverAssignor: 'range', rebalanceTimeoutMs: 7 })
    const { group, recorded } = opened
    await expect.poll(() => recorded.calls, WAIT).toEqual(['assigned he t-0,he t-2'])
    const joined = group.heard[0]
    expect(joined).toMatchObject({ epoch: 0, instanceId: null, rebalanceTimeoutMs: 7, topics: ['the t'], assignor: 'range', owned: [] })
    await beats(opened)
    expect(group.last).toEqual({ ...joined, epoch: 3, owned: ['1:0', '1:2'] })
    expect(recorded.member.metadata).toEqual({ groupId: 'g', memberId: joined?.memberId, generation: 3 })
    await recorded.member.committed([AT], true)
    await recorded.member.commit([AT])
    expect(group.askers).toEqual([[joined?.memberId, 3]])
    expect(group.commitEpochs).toEqual([3])
    expect(recorded.calls).toEqual(['assigned he t-0,he t-2'])
  })

  it('says that it has what it is to give up until that was done, and is given more when the group says so', async () => {
    await using opened = await join([{ epoch: 1, given: { 1: [0, 1] } }])
    const { group, recorded } = opened
    await expect.poll(() => recorded.held.size, WAIT).toBe(2)
    let letGo: (() => void) | undefined
    recorded.beforeRevoked = () =>
      new Promise((resolve) => {
        letGo = resolve
      })
    group.answers = [{ epoch: 1, given: { 1: [1] } }]
    await expect.poll(() => letGo, WAIT).toBeDefined()
    await beats(opened)
    expect(group.last.owned).toEqual(['1:0', '1:1'])
    recorded.beforeRevoked = () => Promise.resolve()
    letGo?.()
    await expect.poll(() => group.last.owned, WAIT).toEqual(['1:1'])
    group.answers = [{ epoch: 2, given: { 1: [1, 2] } }]
    await expect.poll(() => recorded.keys, WAIT).toEqual(['he t-1', 'he t-2'])
    expect(recorded.calls.filter((call) => call !== 'assigned ')).toEqual(['assigned he t-0,he t-1', 'revoked he t-0', 'assigned he t-2'])
    expect(recorded.member.metadata.generation).toBe(2)
  })

  it.each([110, 25])('has lost everything when it is fenced (%i), and joins again by its name', async (code) => {
    await using opened = await join([{ epoch: 4, given: { 1: [0] } }])
    const { group, recorded } = opened
    await expect.poll(() => recorded.held.size, WAIT).toBe(1)
    group.heard.length = 0
    group.answers = [
      { code, epoch: 0 },
      { epoch: 6, given: { 1: [0] } },
    ]
    await expect.poll(() => recorded.calls, WAIT).toEqual(['assigned he t-0', 'lost he t-0', 'assigned he t-0'])
    expect(group.heard.map(({ epoch }) => epoch).slice(0, 2)).toEqual([4, 0])
    expect(group.heard[1]?.owned).toEqual([])
    expect(new Set(group.heard.map(({ memberId }) => memberId)).size).toBe(1)
  })

  it('commits by its next epoch what was refused because the group had moved on', async () => {
    await using opened = await join([{ epoch: 1, given: { 1: [0] } }])
    const { group, recorded } = opened
    await expect.poll(() => recorded.held.size, WAIT).toBe(1)
    group.answers = [{ epoch: 2, given: { 1: [0] } }]
    group.commitCodes.push(113)
    await recorded.member.commit([AT])
    await expect.poll(() => recorded.member.metadata.generation, WAIT).toBe(2)
    expect(group.commitEpochs.length).toBe(2)
    // Of what is not here any more it says so.
    group.commitCodes.push(113)
    await expect(recorded.member.commit([{ ...AT, partition: 2 }])).rejects.toMatchObject({ code: 113, kind: 'not-member' })
    expect(recorded.calls.filter((call) => call.startsWith('lost'))).toEqual([])
  })

  it('changes its epoch while nobody uses its place', async () => {
    await using opened = await join([{ epoch: 1, given: { 1: [0] } }])
    const { group, recorded } = opened
    await expect.poll(() => recorded.held.size, WAIT).toBe(1)
    const { member } = recorded
    await member.inPlace([AT], async ({ generation }) => {
      group.answers = [{ epoch: 2, given: { 1: [0] } }]
      const before = group.heard.length
      // As many answers as it would take.
      for (let asked = 0; asked < 200; asked++) await member.committed([AT], false)
      expect(group.heard.length).toBe(before)
      expect(member.metadata.generation).toBe(generation)
    })
    await expect.poll(() => member.metadata.generation, WAIT).toBe(2)
    // One that is under way is waited for.
    let release: () => void = () => {}
    group.held = new Promise((resolve) => {
      release = resolve
    })
    const before = group.heard.length
    await expect.poll(() => group.heard.length, WAIT).toBeGreaterThan(before)
    group.answers = [{ epoch: 3, given: { 1: [0] } }]
    const place = member.inPlace([AT], (used) => Promise.resolve(used))
    release()
    expect((await place).generation).toBe(3)
  })

  it('goes on by the epoch that the thread was told which stood in for it', async () => {
    await using broker = await WireBroker.open(TOPIC)
    const group = new WireGroup(broker)
    const options = resolveGroupOptions({ brokers: broker.brokers, groupId: 'g', groupProtocol: 'consumer' })
    const cluster = new Cluster(options.connect, options.clock)
    const coordinator = new Coordinator(cluster, { type: 'group', name: 'g', clock: options.clock })
    let told = 7
    const member = { owned: () => [], inUse: () => undefined, toldEpoch: () => told }
    const nothing = (): void => {}
    const events = {
      onJoining: nothing,
      onJoined: nothing,
      onLeading: nothing,
      onStandbys: nothing,
      onRefused: nothing,
      onChanged: nothing,
      onSettled: nothing,
    }
    const rounds = new ServerRounds({ cluster, coordinator, options, member, events })
    rounds.topics = [TOPIC.name]
    await cluster.refresh()
    group.answers = [{ epoch: 3 }, { epoch: 8 }]
    await rounds.run([])
    expect(rounds.metadata.generation).toBe(7)
    await rounds.run([])
    told = 0
    await rounds.run([])
    cluster.close()
    expect(group.heard.map(({ epoch }) => epoch)).toEqual([0, 7, 8])
  })

  it('gives up what it has of a topic that was made anew, and then takes the new one', async () => {
    await using opened = await join([{ epoch: 1, given: { 1: [0] } }])
    const { broker, group, recorded } = opened
    await expect.poll(() => recorded.held.size, WAIT).toBe(1)
    group.answers = [{ epoch: 2, given: { 2: [0] } }]
    await expect.poll(() => recorded.calls.some((call) => call.startsWith('revoked')), WAIT).toBe(true)
    expect(recorded.held.size).toBe(0)
    broker.topics = [{ ...TOPIC, id: 2 }]
    await expect.poll(() => recorded.held.size, WAIT).toBe(1)
    await beats(opened)
    expect(group.last.owned).toEqual(['2:0'])
  })

  it('is told by a static name, waits until who had it is gone, and lets another have it', async () => {
    const unreleased = { code: 111, epoch: 0 }
    const opened = await join([unreleased, unreleased, { epoch: 5, given: { 1: [1] } }], { groupInstanceId: 'one' })
    const { group, recorded } = opened
    await expect.poll(() => recorded.held.size, WAIT).toBe(1)
    expect(recorded.failure).toBeUndefined()
    await opened[Symbol.asyncDispose]()
    expect(group.last).toMatchObject({ instanceId: 'one', epoch: -2 })
    expect(recorded.calls.at(-1)).toBe('revoked he t-1')
  })

  it('leaves for good without one', async () => {
    const opened = await join([{ epoch: 5 }])
    await expect.poll(() => opened.recorded.member.metadata.generation, WAIT).toBe(5)
    await opened[Symbol.asyncDispose]()
    expect(opened.group.last).toMatchObject({ instanceId: null, epoch: -1 })
  })

  it('leaves though its request to join is not answered yet', async () => {
    await using broker = await WireBroker.open(TOPIC)
    const group = new WireGroup(broker)
    let answer: () => void = () => {}
    group.held = new Promise((resolve) => {
      answer = resolve
    })
    const recorded = await RecordedMember.open(broker.brokers, { groupProtocol: 'consumer', groupId: 'g' })
    recorded.member.subscribe([TOPIC.name])
    await expect.poll(() => group.heard.length, WAIT).toBe(1)
    const closed = recorded.member.close()
    // Sent behind it already, or when it is answered.
    answer()
    await closed
    expect(group.heard.map(({ epoch }) => epoch)).toEqual([0, -1])
  })

  it.each([
    [{ code: 112, epoch: 0 }, /^The brokers have no assignor 'none' for group 'g'/],
    [{ code: 82, epoch: 0 }, /^Another member of group 'g' has the name 'one'/],
    [{ code: 30, epoch: 0 }, /^Kafka refused to have a member in group 'g'/],
  ])('is over when it is answered what does not pass: %o', async (answer, message) => {
    await using opened = await join([answer], { serverAssignor: 'none', groupInstanceId: 'one' })
    await expect.poll(() => opened.recorded.failure?.message, WAIT).toMatch(message)
  })
})
