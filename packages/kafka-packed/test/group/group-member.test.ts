import { ManualClock, systemClock } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { RecordedMember } from '../support/group.ts'
import { KEY, WireBroker, type WireTopic } from '../support/wire-broker.ts'
import { code, ClassicGroup } from '../support/classic-group.ts'

const TOPIC = 't'
const PARTITION = { topic: TOPIC, partition: 0 }
const WAIT = { timeout: 20_000, interval: 5 }
const THERE: WireTopic = { name: TOPIC, partitions: [{ leader: 1, epoch: 0 }] }
const ILLEGAL_GENERATION = 22
const UNKNOWN_MEMBER = 25
const REBALANCE_IN_PROGRESS = 27

async function groupOf(): Promise<{ broker: WireBroker; group: ClassicGroup } & AsyncDisposable> {
  const broker = await WireBroker.open(THERE)
  return { broker, group: new ClassicGroup(broker), [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose]() }
}

function openedMember(broker: WireBroker, options: object = {}): Promise<RecordedMember> {
  return RecordedMember.open(broker.brokers, { heartbeatIntervalMs: 20, ...options })
}

async function joinedMember(broker: WireBroker, options: object = {}): Promise<RecordedMember> {
  const recorded = await openedMember(broker, options)
  recorded.member.subscribe([TOPIC])
  await expect.poll(() => recorded.held.size, WAIT).toBeGreaterThan(0)
  return recorded
}

function deferred(): { readonly promise: Promise<undefined>; readonly resolve: (value: undefined) => void } {
  let resolve: (value: undefined) => void = () => {}
  const promise = new Promise<undefined>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

/** Looks each time when so many milliseconds more have passed. */
function passing<T>(clock: ManualClock, ms: number, look: () => T): () => Promise<T> {
  return async () => {
    await clock.advance(ms)
    return look()
  }
}

describe('a member of a group', () => {
  it('is closed though no broker answers any more, not even who connects', async () => {
    await using wire = await groupOf()
    const recorded = await RecordedMember.open(wire.broker.brokers)
    let asked = 0
    wire.broker.answers.set(KEY.apiVersions, () => {
      asked++
      return 'silence'
    })
    wire.broker.answers.set(KEY.findCoordinator, () => 'silence')
    recorded.member.subscribe([TOPIC])
    await expect.poll(() => asked + wire.broker.count(KEY.findCoordinator), WAIT).toBeGreaterThan(0)
    await recorded.member.close()
    // None is left that would hold up the end of the process.
    await expect.poll(() => wire.broker.connections, WAIT).toBe(0)
  })

  it('does not ask to join when it has begun to leave', async () => {
    await using wire = await groupOf()
    let closing: Promise<void> | undefined
    const warm = (): [] => {
      // When it is about to ask by its name.
      if (wire.group.joins.length === 1) closing ??= recorded.member.close()
      return []
    }
    const recorded = await RecordedMember.open(wire.broker.brokers, { warm })
    recorded.member.subscribe([TOPIC])
    await expect.poll(() => closing !== undefined, WAIT).toBe(true)
    await closing
    expect(wire.group.joins).toEqual([''])
  })

  it('leaves by the name that it is being given when it is closed', async () => {
    await using wire = await groupOf()
    const recorded = await RecordedMember.open(wire.broker.brokers)
    const named = deferred()
    wire.group.beforeJoin = () => named.promise
    recorded.member.subscribe([TOPIC])
    await expect.poll(() => wire.group.joins, WAIT).toEqual([''])
    const closing = recorded.member.close()
    named.resolve(undefined)
    await closing
    expect(wire.group.joins).toEqual([''])
    expect(wire.broker.count(KEY.leaveGroup)).toBe(1)
  })

  it('is closed though it is never given a name', async () => {
    await using wire = await groupOf()
    const clock = new ManualClock()
    const recorded = await RecordedMember.open(wire.broker.brokers, { clock })
    wire.group.beforeJoin = () => 'silence'
    recorded.member.subscribe([TOPIC])
    await expect.poll(() => wire.group.joins, WAIT).toEqual([''])
    const closing = recorded.member.close()
    await clock.advance(3_000)
    await closing
    expect(wire.group.joins).toEqual([''])
  })

  it.each([
    ['for the first time', ['assigned t-0']],
    ['again', ['assigned t-0', 'assigned ']],
  ])('joins where its coordinator is now when it is not answered where it asked to join %s', async (when, calls) => {
    await using wire = await groupOf()
    const open = when === 'again' ? joinedMember : openedMember
    await using recorded = await open(wire.broker)
    const joins = wire.group.joins.length
    // For the first time it asks for a name before.
    let asked = joins === 0 ? 0 : 1
    wire.group.onHeartbeat = () => code(REBALANCE_IN_PROGRESS)
    wire.group.beforeJoin = () => {
      asked++
      wire.group.onHeartbeat = () => (asked === 2 ? 'cut' : code(0))
      return asked === 2 ? 'silence' : undefined
    }
    if (joins === 0) recorded.member.subscribe([TOPIC])
    await expect.poll(() => recorded.calls, WAIT).toEqual(calls)
    expect(wire.group.joins.length).toBeGreaterThan(joins + 1)
  })

  it('keeps what it has when the answer to its request to join is lost, and the group has gone on with it', async () => {
    await using wire = await groupOf()
    const clock = new ManualClock()
    await using recorded = await joinedMember(wire.broker, { clock, heartbeatIntervalMs: 5 })
    let refused = 0
    wire.group.onHeartbeat = () => code(REBALANCE_IN_PROGRESS)
    wire.group.beforeJoin = () => {
      wire.group.generation++
      wire.group.onHeartbeat = () => {
        refused++
        return code(ILLEGAL_GENERATION)
      }
      wire.group.beforeJoin = () => {
        wire.group.onHeartbeat = () => code(0)
        return undefined
      }
      return 'cut'
    }
    const joined = passing(clock, 5, () => wire.group.joins.length)
    await expect.poll(joined, WAIT).toBe(3)
    // It waits for 40 ms at least before it joins again.
    for (let beats = 0; beats < 3; beats++) {
      // Answered behind the heartbeat.
      await recorded.member.commit([{ ...PARTITION, offset: 1 }])
      const before = refused
      await clock.advance(5)
      await expect.poll(() => refused, WAIT).toBeGreaterThan(before)
    }
    const told = passing(clock, 5, () => recorded.calls.length)
    await expect.poll(told, WAIT).toBe(2)
    expect(recorded.calls).toEqual(['assigned t-0', 'assigned '])
  })

  it('loses what it has when its group is silent while it joins again', async () => {
    await using wire = await groupOf()
    await using recorded = await joinedMember(wire.broker, { sessionTimeoutMs: 300 })
    let isSilent = true
    wire.group.onHeartbeat = () => (isSilent ? code(REBALANCE_IN_PROGRESS) : code(0))
    wire.group.beforeJoin = () => {
      if (!isSilent) return undefined
      wire.group.onHeartbeat = () => (isSilent ? 'silence' : code(0))
      return 'silence'
    }
    await expect.poll(() => recorded.calls.at(-1), WAIT).toMatch(/^lost /)
    isSilent = false
    await expect.poll(() => recorded.held.size, WAIT).toBe(1)
  })

  it('keeps what it has while its group waits for others, for longer than a session', async () => {
    await using wire = await groupOf()
    const clock = new ManualClock()
    await using recorded = await joinedMember(wire.broker, { clock, heartbeatIntervalMs: 3_000 })
    const { generation } = wire.group
    const others = deferred()
    let beats = 0
    wire.group.onHeartbeat = () => {
      beats++
      return code(wire.group.generation === generation ? REBALANCE_IN_PROGRESS : ILLEGAL_GENERATION)
    }
    wire.group.beforeJoin = () => others.promise
    for (let atMs = 0; atMs < 100_000; atMs += 3_000) {
      const before = beats
      await clock.advance(3_000)
      await expect.poll(() => beats, WAIT).toBeGreaterThan(before)
      // Answered behind the heartbeat.
      await recorded.member.commit([{ ...PARTITION, offset: 1 }])
    }
    wire.group.onHeartbeat = () => code(0)
    others.resolve(undefined)
    await expect.poll(() => recorded.calls, WAIT).toEqual(['assigned t-0', 'assigned '])
  })

  it('notices within a session that it is not answered, however long an answer may take', async () => {
    await using wire = await groupOf()
    const clock = new ManualClock()
    await using recorded = await joinedMember(wire.broker, { clock })
    wire.group.onHeartbeat = () => 'silence'
    await clock.advance(44_999)
    expect(recorded.calls.length).toBe(1)
    await clock.advance(1)
    expect(recorded.calls[1]).toMatch(/^lost /)
  })

  it('says that JavaScript was busy when it has lost its place by that, though no thread has left in its name', async () => {
    await using wire = await groupOf()
    let stillMs = 0
    const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + stillMs }
    await using recorded = await joinedMember(wire.broker, { clock, rebalanceTimeoutMs: 5_000 })
    const putOut = (): void => {
      wire.group.onHeartbeat = () => {
        wire.group.onHeartbeat = () => code(0)
        return code(UNKNOWN_MEMBER)
      }
    }
    // To the thread it was there all the time.
    stillMs = 6_000
    putOut()
    await expect.poll(() => recorded.calls, WAIT).toEqual(['assigned t-0', 'lost t-0', 'assigned t-0'])
    expect(recorded.busy).toBe(1)
    // For a reason of the group's.
    putOut()
    await expect.poll(() => recorded.calls.length, WAIT).toBe(5)
    expect(recorded.busy).toBe(1)
  })

  it('stays a member when an answer can not be read, and is none any more when none can', async () => {
    await using wire = await groupOf()
    await using recorded = await joinedMember(wire.broker)
    let unreadable = 1
    const garbage = (): Buffer => (unreadable-- > 0 ? Buffer.alloc(1) : code(0))
    wire.group.onHeartbeat = garbage
    await expect.poll(() => unreadable, WAIT).toBeLessThan(-1)
    unreadable = 1
    wire.broker.answers.set(KEY.syncGroup, () => (unreadable-- > 0 ? Buffer.alloc(1) : code(REBALANCE_IN_PROGRESS)))
    wire.group.onHeartbeat = () => code(REBALANCE_IN_PROGRESS)
    await expect.poll(() => unreadable, WAIT).toBeLessThan(0)
    expect(recorded.failure).toBeUndefined()
    unreadable = Infinity
    await expect.poll(() => recorded.failure?.kind, WAIT).toBe('malformed')
  })

  it('reads a topic that had no leader when it was shared out, as soon as it has one', async () => {
    await using wire = await groupOf()
    wire.broker.topics = [{ ...THERE, code: 5, partitions: [] }]
    await using recorded = await RecordedMember.open(wire.broker.brokers, { heartbeatIntervalMs: 20, topicsMaxAgeMs: 20 })
    recorded.member.subscribe([TOPIC])
    await expect.poll(() => recorded.calls, WAIT).toEqual(['assigned '])
    wire.broker.topics = [THERE]
    await expect.poll(() => recorded.held.size, WAIT).toBe(1)
    // What it has, it keeps while there is no leader.
    wire.broker.topics = [{ ...THERE, code: 5, partitions: [] }]
    const { generation } = wire.group
    wire.group.onHeartbeat = () => code(wire.group.generation === generation ? REBALANCE_IN_PROGRESS : 0)
    await expect.poll(() => recorded.calls.length, WAIT).toBe(3)
    expect(recorded.calls).toEqual(['assigned ', 'assigned t-0', 'assigned '])
  })

  it('reads partitions that were added while it was away as a static member', async () => {
    await using wire = await groupOf()
    const options = { groupInstanceId: 'one', topicsMaxAgeMs: 20 }
    const before = await joinedMember(wire.broker, options)
    await before.member.close()
    wire.broker.topics = [{ ...THERE, partitions: [...THERE.partitions, ...THERE.partitions] }]
    wire.group.isUnchanged = true
    await using recorded = await joinedMember(wire.broker, options)
    await expect.poll(() => recorded.keys, WAIT).toEqual(['t-0', 't-1'])
  })

  it('does not put a newer commit back by an older one that is tried again', async () => {
    await using wire = await groupOf()
    await using recorded = await joinedMember(wire.broker, { topicsMaxAgeMs: 10 })
    const others = deferred()
    wire.group.beforeJoin = () => others.promise
    wire.group.onCommit = () => (wire.group.commits.length === 0 ? REBALANCE_IN_PROGRESS : 0)
    const older = recorded.member.commit([{ ...PARTITION, offset: 5 }])
    await expect.poll(() => wire.group.commits.length, WAIT).toBe(1)
    const newer = recorded.member.commit([{ ...PARTITION, offset: 6 }])
    const asked = wire.broker.count(KEY.metadata)
    await expect.poll(() => wire.broker.count(KEY.metadata), WAIT).toBeGreaterThan(asked + 5)
    others.resolve(undefined)
    await Promise.all([older, newer])
    expect(wire.group.commits.map(({ offsets }) => offsets)).toEqual([[5], [5], [6]])
  })

  it.for(['before', 'after'] as const)(
    'commits with the place that it was about to be told, refused %s it was',
    { timeout: 20_000 },
    async (refused) => {
      await using wire = await groupOf()
      await using recorded = await joinedMember(wire.broker)
      const { generation } = wire.group
      const told = deferred()
      const answered = deferred()
      wire.group.beforeSync = () => told.promise
      wire.group.onHeartbeat = () => code(wire.group.generation === generation ? REBALANCE_IN_PROGRESS : 0)
      await expect.poll(() => recorded.member.metadata.generation, WAIT).toBe(generation + 1)
      let asked = 0
      wire.group.onCommit = async () => {
        if (asked++ > 0) return 0
        if (refused === 'after') await answered.promise
        return REBALANCE_IN_PROGRESS
      }
      const committed = recorded.member.commit([{ ...PARTITION, offset: 5 }])
      await expect.poll(() => (refused === 'after' ? asked : wire.group.commits.length), WAIT).toBe(1)
      told.resolve(undefined)
      await expect.poll(() => recorded.calls.length, WAIT).toBe(2)
      answered.resolve(undefined)
      await committed
      expect(wire.group.commits.map((commit) => commit.generation)).toEqual([generation + 1, generation + 1])
      expect(wire.group.generation).toBe(generation + 1)
    },
  )

  it('commits offsets with the epochs of the records before, where they are known', async () => {
    await using wire = await groupOf()
    await using recorded = await joinedMember(wire.broker)
    await recorded.member.commit([{ ...PARTITION, offset: 5, leaderEpoch: 3 }])
    await recorded.member.commit([{ ...PARTITION, offset: 6 }])
    expect(wire.group.commits.map(({ leaderEpochs }) => leaderEpochs)).toEqual([[3], [-1]])
  })

  it('waits for no rebalance to commit when it leaves: there is none for it any more', async () => {
    await using wire = await groupOf()
    const recorded = await joinedMember(wire.broker)
    wire.group.onCommit = () => REBALANCE_IN_PROGRESS
    let refused: unknown
    recorded.beforeRevoked = async () => {
      refused = await recorded.member.commit([{ ...PARTITION, offset: 1 }]).catch((error: unknown) => error)
    }
    await recorded.member.close()
    expect(refused).toMatchObject({ code: REBALANCE_IN_PROGRESS })
    expect(wire.group.commits.length).toBe(1)
  })

  it('does not join again while its place is used, also by who began when another did so already', async () => {
    await using wire = await groupOf()
    await using recorded = await joinedMember(wire.broker)
    const { member } = recorded
    let beats = 0
    const { generation } = wire.group
    wire.group.onHeartbeat = () => {
      beats++
      return code(wire.group.generation === generation ? REBALANCE_IN_PROGRESS : 0)
    }
    const ends = [deferred(), deferred()] as const
    const first = member.inPlace([PARTITION], () => ends[0].promise)
    await expect.poll(() => beats, WAIT).toBeGreaterThan(2)
    const second = member.inPlace([PARTITION], () => ends[1].promise)
    ends[0].resolve(undefined)
    await first
    // As many answers as it would take to join.
    for (let asked = 0; asked < 50; asked++) await member.commit([{ ...PARTITION, offset: 1 }])
    expect(wire.group.joins.length).toBe(2)
    ends[1].resolve(undefined)
    await second
    await expect.poll(() => wire.group.joins.length, WAIT).toBe(3)
  })

  it('lets a transaction take part with the place that it has when a rebalance takes too long', async () => {
    await using wire = await groupOf()
    await using recorded = await joinedMember(wire.broker)
    const place = recorded.member.metadata
    const others = deferred()
    wire.group.onHeartbeat = () => code(REBALANCE_IN_PROGRESS)
    wire.group.beforeJoin = () => others.promise
    await expect.poll(() => wire.group.joins.length, WAIT).toBe(3)
    expect(await recorded.member.inPlace([PARTITION], (used) => Promise.resolve(used), 50)).toEqual(place)
    others.resolve(undefined)
  })
})
