import { ManualClock } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import type { GroupOptions, PackedError } from '../../src/index.ts'
import type { ServerRounds } from '../../src/group/server-rounds.ts'
import { RecordedMember } from '../support/group.ts'
import { roundsOf } from '../support/server-rounds.ts'
import { found, KEY, WireBroker, type WireTopic } from '../support/wire-broker.ts'
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

/** Looks each time when so many milliseconds more have passed. */
function passing<T>(clock: ManualClock, ms: number, look: () => T): () => Promise<T> {
  return async () => {
    await clock.advance(ms)
    return look()
  }
}

async function hasOne(recorded: RecordedMember, clock: ManualClock, ms: number): Promise<void> {
  const held = passing(clock, ms, () => recorded.held.size)
  await expect.poll(held, WAIT).toBe(1)
}

async function hasLost(recorded: RecordedMember, clock: ManualClock, ms: number): Promise<void> {
  const told = passing(clock, ms, () => recorded.calls.at(-1))
  await expect.poll(told, WAIT).toMatch(/^lost /)
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

  it.each([110, 25, 69])('has lost everything when it is fenced (%i), and joins again by its name', async (code) => {
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
    // Of what is not here it says so.
    await expect(recorded.member.commit([{ ...AT, partition: 2 }])).rejects.toMatchObject({ code: 25, kind: 'not-member' })
    expect(group.commitEpochs.length).toBe(2)
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
    let told = 7
    await using opened = await roundsOf(TOPIC, { toldEpoch: () => told })
    const { group, rounds } = opened
    group.answers = [{ epoch: 3 }, { epoch: 8 }]
    await rounds.run([])
    group.moveTo(7)
    expect(rounds.metadata.generation).toBe(7)
    await rounds.run([])
    told = 0
    await rounds.run([])
    expect(group.heard.map(({ epoch }) => epoch)).toEqual([0, 7, 8])
  })

  it.each([
    ['has kept it', [2]],
    ['has put it out', [2, 0]],
  ])('comes back with nothing by the epoch it had when its group fell silent, which %s', async (what, epochs) => {
    const clock = new ManualClock()
    await using opened = await join([{ epoch: 1 }, { epoch: 2, given: { 1: [0] } }], { clock })
    const { group, recorded } = opened
    await hasOne(recorded, clock, 10)
    group.isBroken = true
    await hasLost(recorded, clock, 45_000)
    if (what === 'has put it out') group.putOut()
    group.heard.length = 0
    group.answers = [{ epoch: 2, given: { 1: [0] } }]
    group.isBroken = false
    await hasOne(recorded, clock, 100)
    const withNothing = group.heard.filter(({ owned }) => owned.length === 0)
    expect([...new Set(withNothing.map(({ epoch }) => epoch))]).toEqual(epochs)
    expect(recorded.calls.filter((call) => call.startsWith('lost'))).toEqual(['lost he t-0'])
  })

  it('notices silence also when the thread that stands in for it was told another epoch', async () => {
    const clock = new ManualClock()
    await using opened = await join([{ epoch: 1, given: { 1: [0] } }], { clock })
    const { group, recorded } = opened
    await expect.poll(() => recorded.held.size, WAIT).toBe(1)
    // Time stands still for this side only.
    group.answers = [{ epoch: 2, given: { 1: [0] } }]
    await expect.poll(() => recorded.member.metadata.generation, WAIT).toBe(2)
    group.isBroken = true
    await hasLost(recorded, clock, 45_000)
    group.isBroken = false
    await hasOne(recorded, clock, 100)
  })

  it.each([110, 25, 69])('looks offsets up as nobody when it is told that it has lost its place (%i), and joins again', async (code) => {
    await using opened = await join([{ epoch: 3, given: { 1: [0] } }])
    const { group, recorded } = opened
    await expect.poll(() => recorded.held.size, WAIT).toBe(1)
    group.fetchCodes.push(code)
    expect(await recorded.member.committed([AT], true)).toEqual([])
    expect(group.askers).toEqual([
      [group.heard[0]?.memberId, 3],
      [null, -1],
    ])
    await expect.poll(() => recorded.calls, WAIT).toEqual(['assigned he t-0', 'lost he t-0', 'assigned he t-0'])
    expect(recorded.failure).toBeUndefined()
  })

  it('does not commit what it gave up while it waited for its turn', async () => {
    await using opened = await join([{ epoch: 1, given: { 1: [0, 1] } }])
    const { group, recorded } = opened
    await expect.poll(() => recorded.held.size, WAIT).toBe(2)
    group.commitCodes.push(113)
    const first = recorded.member.commit([AT])
    const second = recorded.member.commit([{ ...AT, partition: 1 }]).catch((error: unknown) => error)
    group.answers = [{ epoch: 1, given: { 1: [0] } }]
    await expect.poll(() => recorded.held.size, WAIT).toBe(1)
    group.answers = [{ epoch: 2, given: { 1: [0] } }]
    await first
    expect(await second).toMatchObject({ code: 25 })
    expect(group.commitEpochs).toEqual([1, 2])
  })

  it('does not wait so long for who uses its place that the group would miss it', async () => {
    const clock = new ManualClock()
    let asked = 0
    const uses: Promise<void>[] = []
    const inUse = (): Promise<void> | undefined => {
      asked++
      return uses[0]
    }
    await using opened = await roundsOf(TOPIC, { inUse }, { clock })
    const { coordinator, group, rounds } = opened
    await rounds.run([])
    uses.push(new Promise(() => {}))
    asked = 0
    const use = (connection: Parameters<ServerRounds['beat']>[0]): Promise<number> => rounds.beat(connection)
    const beating = coordinator.once({ use, codeOf: (code) => code, doing: 'hear of a member' })
    await expect.poll(() => asked, WAIT).toBe(1)
    await clock.advance(14_999)
    expect(group.heard.length).toBe(1)
    await clock.advance(1)
    expect(await beating).toBe(0)
    expect(group.heard.length).toBe(2)
  })

  it('waits a session for its static name, and anew when the coordinator was away or is another', async () => {
    const clock = new ManualClock()
    await using opened = await roundsOf(TOPIC, {}, { clock, groupInstanceId: 'one' })
    const { broker, coordinator, group, rounds } = opened
    broker.nodes = [1, 2]
    let node = 1
    broker.answers.set(KEY.findCoordinator, () => found(0, broker.port, node))
    group.answers = [{ code: 111, epoch: 0 }]
    const refused = async (): Promise<{ retriable: boolean }> => {
      const error: unknown = await rounds.run([]).catch((reason: unknown) => reason)
      await clock.advance(49_000)
      return error as PackedError
    }
    expect(await refused()).toMatchObject({ code: 111, retriable: true })
    group.isBroken = true
    expect(await refused()).toMatchObject({ kind: 'unreachable' })
    group.isBroken = false
    expect(await refused()).toMatchObject({ code: 111, retriable: true })
    // Found by another question.
    node = 2
    const failing = { use: () => Promise.reject(new Error('It is another.')), codeOf: () => 0, doing: 'answer' }
    await expect(coordinator.once(failing)).rejects.toThrow('It is another.')
    expect(await refused()).toMatchObject({ code: 111, retriable: true })
    expect(await refused()).toMatchObject({ code: 111, retriable: true })
    expect(await refused()).toMatchObject({ code: 111, retriable: false })
  })

  it.each([
    [undefined, -1],
    ['one', -2],
  ])('leaves also when it is closed while it joins for the first time (name: %s)', async (groupInstanceId, epoch) => {
    let release: () => void = () => {}
    const opened = await join([{ epoch: 1, given: { 1: [0] } }], { ...(groupInstanceId !== undefined && { groupInstanceId }) })
    const { group } = opened
    group.held = new Promise((resolve) => {
      release = resolve
    })
    await expect.poll(() => group.heard.length, WAIT).toBe(1)
    const closed = opened[Symbol.asyncDispose]()
    release()
    await closed
    expect(group.heard.map((heartbeat) => heartbeat.epoch)).toEqual([0, epoch])
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

  it.each([
    [{ code: 112, epoch: 0 }, /^The brokers have no assignor 'none' for group 'g'/],
    [{ code: 69, epoch: 0 }, /^Members of group 'g' are of another protocol: stop them all first/],
    [{ code: 82, epoch: 0 }, /^Another member of group 'g' has the name 'one'/],
    [{ code: 30, epoch: 0 }, /^Kafka refused to have a member in group 'g'/],
  ])('is over when it is answered what does not pass: %o', async (answer, message) => {
    await using opened = await join([answer], { serverAssignor: 'none', groupInstanceId: 'one' })
    await expect.poll(() => opened.recorded.failure?.message, WAIT).toMatch(message)
  })
})
