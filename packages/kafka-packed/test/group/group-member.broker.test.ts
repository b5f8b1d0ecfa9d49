import { describe, expect, inject, it } from 'vitest'
import { Confluent } from '../support/confluent.ts'
import { groupId, putOut, RecordedMember } from '../support/group.ts'

const LIMIT_MS = 120_000
const WAIT = { timeout: 60_000, interval: 20 }

const confluent = new Confluent(inject('kafkaBrokers'))
const brokers = confluent.addresses

/** Both have as many. */
async function twoMembers(topics: readonly string[], options: object = {}): Promise<[RecordedMember, RecordedMember, string]> {
  const group = groupId()
  const first = await RecordedMember.open(brokers, { groupId: group, ...options })
  first.member.subscribe(topics)
  await expect.poll(() => first.held.size, WAIT).toBe(4)
  const second = await RecordedMember.open(brokers, { groupId: group, ...options })
  second.member.subscribe(topics)
  return [first, second, group]
}

describe('GroupMember', { timeout: LIMIT_MS }, () => {
  it('shares partitions with another, which gets them when they were let go, and keeps the others', async () => {
    const topic = await confluent.topic(4)
    const [first, second] = await twoMembers([topic])
    await using _first = first
    await using _second = second
    let letGo: (() => void) | undefined
    first.beforeRevoked = async (partitions) => {
      await new Promise<void>((resolve) => {
        letGo = resolve
      })
      await first.member.commit(partitions.map((one) => ({ ...one, offset: 5 })))
      first.beforeRevoked = () => Promise.resolve()
    }
    await expect.poll(() => letGo, WAIT).toBeDefined()
    await expect.poll(() => second.calls, WAIT).toEqual(['assigned '])
    expect(first.held.size).toBe(4)
    letGo?.()
    await expect.poll(() => second.held.size, WAIT).toBe(2)
    expect(first.held.size).toBe(2)
    expect(new Set([...first.keys, ...second.keys]).size).toBe(4)
    const moved = [...second.held.values()]
    expect(await second.member.committed(moved, true)).toEqual(moved.map((one) => ({ ...one, offset: 5 })))

    await second.member.close()
    expect(second.held.size).toBe(0)
    await expect.poll(() => first.held.size, WAIT).toBe(4)
    expect(first.calls.filter((call) => call.startsWith('lost'))).toEqual([])
  })

  it('co-locates topics that have as many partitions', async () => {
    const topics = [await confluent.topic(2), await confluent.topic(2)]
    const [first, second] = await twoMembers(topics, { coLocate: true })
    await using _first = first
    await using _second = second
    await expect.poll(() => [first.held.size, second.held.size], WAIT).toEqual([2, 2])
    for (const { held } of [first, second]) expect(new Set([...held.values()].map(({ partition }) => partition)).size).toBe(1)
  })

  it('loses everything when it is put out, which a commit tells, and joins again', async () => {
    const topic = await confluent.topic(2)
    await using recorded = await RecordedMember.open(brokers)
    recorded.member.subscribe([topic])
    await expect.poll(() => recorded.held.size, WAIT).toBe(2)
    await putOut(brokers, recorded)
    await expect(recorded.member.commit([{ topic, partition: 0, offset: 1 }])).rejects.toMatchObject({ code: 25 })
    expect(recorded.calls.at(1)).toMatch(/^lost /)
    await expect.poll(() => recorded.calls.length, WAIT).toBe(3)
    expect(recorded.held.size).toBe(2)
    await recorded.member.commit([{ topic, partition: 0, offset: 1, leaderEpoch: 0, metadata: 'kept' }])
    expect(
      await recorded.member.committed(
        [0, 1].map((partition) => ({ topic, partition })),
        false,
      ),
    ).toEqual([{ topic, partition: 0, offset: 1, leaderEpoch: 0, metadata: 'kept' }])

    // By its heartbeats alone it is noticed, too.
    await putOut(brokers, recorded)
    await expect.poll(() => recorded.calls.length, WAIT).toBe(5)
  })

  it('commits what it keeps while members come and go', async () => {
    const topic = await confluent.topic(4)
    const group = groupId()
    await using steady = await RecordedMember.open(brokers, { groupId: group, heartbeatIntervalMs: 50 })
    steady.member.subscribe([topic])
    await expect.poll(() => steady.held.size, WAIT).toBe(4)
    let isDone = false
    let commits = 0
    const committing = (async () => {
      while (!isDone) {
        const [one] = [...steady.held.values()].toSorted((a, b) => a.partition - b.partition)
        if (one === undefined) throw new Error('A member that stays keeps something.')
        await steady.member.commit([{ ...one, offset: ++commits }]).catch((error: unknown) => {
          // Only what it has given up meanwhile.
          if ([...steady.held.values()].some(({ partition }) => partition === one.partition)) throw error
        })
      }
    })()
    for (let i = 0; i < 3; i++) {
      const other = await RecordedMember.open(brokers, { groupId: group, heartbeatIntervalMs: 50 })
      other.member.subscribe([topic])
      await expect.poll(() => other.held.size, WAIT).toBe(2)
      await other.member.close()
      await expect.poll(() => steady.held.size, WAIT).toBe(4)
    }
    isDone = true
    await committing
    expect(commits).toBeGreaterThan(10)
    // Its place does not change while somebody uses it, and is none for what it has not.
    const place = await steady.member.inPlace([{ topic, partition: 0 }], async (before) => {
      await using other = await RecordedMember.open(brokers, { groupId: group })
      other.member.subscribe([topic])
      // As many answers as it takes for a heartbeat to tell of the other.
      for (let asked = 0; asked < 100; asked++) await steady.member.committed([{ topic, partition: 0 }], false)
      await expect(steady.member.inPlace([{ topic, partition: 4 }], () => Promise.resolve())).rejects.toMatchObject({ code: 25 })
      return before
    })
    expect(steady.member.metadata).toEqual(place)
    expect(steady.calls.filter((call) => call.startsWith('lost'))).toEqual([])
  })

  it('has its partitions back under the name of a static member, and fences who had it before', async () => {
    const topic = await confluent.topic(2)
    const options = { groupId: groupId(), groupInstanceId: 'one' }
    await using first = await RecordedMember.open(brokers, { ...options, heartbeatIntervalMs: 100 })
    first.member.subscribe([topic])
    await expect.poll(() => first.held.size, WAIT).toBe(2)
    const { generation } = first.member.metadata
    await using second = await RecordedMember.open(brokers, options)
    second.member.subscribe([topic])
    await expect.poll(() => second.held.size, WAIT).toBe(2)
    expect(second.member.metadata.generation).toBe(generation)
    await expect.poll(() => first.failure?.message, WAIT).toMatch(/^Another member of group '.*' has the name 'one'/)
    expect(first.held.size).toBe(0)
  })

  it('stays a member while JavaScript is busy for longer than a session', async () => {
    const topic = await confluent.topic(1)
    await using recorded = await RecordedMember.open(brokers, { sessionTimeoutMs: 6_000, heartbeatIntervalMs: 500 })
    recorded.member.subscribe([topic])
    await expect.poll(() => recorded.held.size, WAIT).toBe(1)
    // What stands in for it loads its client when it is first needed: on a busy machine that takes the best part of so short a session.
    for (const ms of [3_000, 8_000]) {
      standStill(ms)
      await recorded.member.commit([{ topic, partition: 0, offset: 1 }])
    }
    expect(recorded.calls.length).toBe(1)
  })

  it('is put out when JavaScript is busy for too long, and joins again', async () => {
    const topic = await confluent.topic(1)
    await using recorded = await RecordedMember.open(brokers, { heartbeatIntervalMs: 200, rebalanceTimeoutMs: 500 })
    recorded.member.subscribe([topic])
    await expect.poll(() => recorded.held.size, WAIT).toBe(1)
    const standing = (): number => {
      // Once is enough: it is put out as often as it stands still.
      if (recorded.busy === 0) standStill(1_000)
      return recorded.busy
    }
    await expect.poll(standing, WAIT).toBe(1)
    await expect.poll(() => recorded.calls.length, WAIT).toBe(3)
    expect(recorded.calls[1]).toMatch(/^lost /)
  })

  it('tells topics that are missing, and reads them when they are there', async () => {
    const { name, create } = confluent.later(1)
    await using recorded = await RecordedMember.open(brokers, { topicsMaxAgeMs: 100 })
    recorded.member.subscribe([name])
    await expect.poll(() => [...recorded.missing], WAIT).toEqual([name])
    await create()
    await expect.poll(() => recorded.held.size, WAIT).toBe(1)
  })
})

function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
