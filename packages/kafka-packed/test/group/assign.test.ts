import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TopicPartition } from '@millrace/core'
import { assign, type AssignedMember, type AssignInput } from '../../src/group/assign.ts'

type Owned = Map<string, readonly TopicPartition[]>
type Given = Pick<AssignInput, 'coLocate'> & { readonly counts: Readonly<Record<string, number>>; readonly warm?: Owned }

const NONE = { replicas: 0, topics: [] }

/** Who reads what. */
function shared(input: AssignInput): Owned {
  return new Map([...assign(input)].map(([memberId, { partitions }]) => [memberId, partitions]))
}

/** One round of the group: what each gives up, and what it has then. Returns whether somebody has to join again. */
function round(owned: Owned, { counts, coLocate, warm }: Given): boolean {
  const topics = Object.keys(counts)
  const members: AssignedMember[] = [...owned].map(([memberId, has]) => ({
    memberId,
    topics,
    owned: has,
    generation: 1,
    warm: warm?.get(memberId) ?? [],
    standbys: NONE,
  }))
  const assigned = shared({ members, partitionsOf: (topic) => counts[topic] ?? 0, coLocate })
  let gaveUp = false
  for (const [memberId, has] of [...owned]) {
    const next = keysOf(assigned.get(memberId) ?? [])
    gaveUp ||= keysOf(has).some((key) => !next.includes(key))
    owned.set(memberId, assigned.get(memberId) ?? [])
  }
  const all = [...owned.values()].flatMap(keysOf)
  expect(new Set(all).size, 'nothing is with two members').toBe(all.length)
  return gaveUp
}

function settle(owned: Owned, given: Given): number {
  let rounds = 1
  while (round(owned, given)) rounds++
  return rounds
}

function keysOf(partitions: readonly TopicPartition[]): string[] {
  return partitions.map(({ topic, partition }) => `${topic}-${partition}`).toSorted()
}

function member(memberId: string, ...topics: readonly string[]): AssignedMember {
  return { memberId, topics, owned: [], generation: -1, warm: [], standbys: NONE }
}

function group(...members: string[]): Owned {
  return new Map(members.map((member) => [member, []]))
}

describe('assign', () => {
  it('gives everything to the only member', () => {
    const owned = group('a')
    expect(settle(owned, { counts: { lines: 3, words: 2 }, coLocate: false })).toBe(1)
    expect(keysOf(owned.get('a') ?? [])).toEqual(['lines-0', 'lines-1', 'lines-2', 'words-0', 'words-1'])
  })

  it('takes no more from a member than a new one is to have, and gives it away when it was let go', () => {
    const owned = group('a', 'b')
    const given = { counts: { lines: 6 }, coLocate: false }
    settle(owned, given)
    const before = new Map([...owned].map(([member, has]) => [member, keysOf(has)]))
    owned.set('c', [])
    expect(round(owned, given)).toBe(true)
    expect(owned.get('c')).toEqual([])
    expect(round(owned, given)).toBe(false)
    for (const [member, has] of before) expect(has).toEqual(expect.arrayContaining(keysOf(owned.get(member) ?? [])))
    expect([...owned.values()].map((has) => has.length)).toEqual([2, 2, 2])
  })

  it('gives what has lost its member to those that have its state', () => {
    const owned = new Map(group('a', 'b'))
    owned.set('a', [{ topic: 'lines', partition: 0 }])
    owned.set('b', [{ topic: 'lines', partition: 1 }])
    const warm = new Map([['b', [{ topic: 'lines', partition: 2 }]]])
    settle(owned, { counts: { lines: 4 }, coLocate: false, warm })
    expect(keysOf(owned.get('b') ?? [])).toEqual(['lines-1', 'lines-2'])
  })

  it('takes from who has everything what a new member has the state of, and leaves it of each topic as much as of the others', () => {
    const owned = group('a')
    const counts = { lines: 6, words: 6 }
    settle(owned, { counts, coLocate: false })
    owned.set('b', [])
    const words = [0, 1, 2].map((partition) => ({ topic: 'words', partition }))
    settle(owned, { counts, coLocate: false, warm: new Map([['b', words]]) })
    const has = keysOf(owned.get('b') ?? [])
    expect(has.length).toBe(6)
    expect(has.filter((key) => key.startsWith('words'))).toEqual(['words-0', 'words-1', 'words-2'])
  })

  it('gives a member no half of a task while the other half is elsewhere', () => {
    const owned: Owned = new Map([
      ['a', [{ topic: 'left', partition: 0 }]],
      ['b', [{ topic: 'right', partition: 0 }]],
      ['c', []],
    ])
    const given = { counts: { left: 1, right: 1 }, coLocate: true }
    expect(round(owned, given)).toBe(true)
    expect([...owned.values()].map((has) => has.length)).toEqual([1, 0, 0])
    expect(round(owned, given)).toBe(false)
    expect(keysOf(owned.get('a') ?? [])).toEqual(['left-0', 'right-0'])
  })

  it('leaves a topic to those that have subscribed to it', () => {
    const members = [
      { memberId: 'a', topics: ['lines'], owned: [], generation: -1, warm: [], standbys: NONE },
      { memberId: 'b', topics: ['lines', 'words'], owned: [], generation: -1, warm: [], standbys: NONE },
    ]
    const assigned = shared({ members, partitionsOf: () => 2, coLocate: false })
    expect((assigned.get('a') ?? []).every(({ topic }) => topic === 'lines')).toBe(true)
    expect([...assigned.values()].flat().length).toBe(4)
  })

  it('leaves to those that read less what others need not have', () => {
    const members = [
      { ...member('a', 'lines'), owned: [] },
      { ...member('b', 'lines', 'words'), owned: [0, 1].map((partition) => ({ topic: 'lines', partition })) },
    ]
    const assigned = shared({ members, partitionsOf: () => 4, coLocate: false })
    expect(keysOf(assigned.get('b') ?? []).filter((key) => key.startsWith('words')).length).toBe(4)
    expect(keysOf(assigned.get('b') ?? []).length).toBe(4)
  })

  it('co-locates what a member reads together, and leaves nothing unread where members read other topics', () => {
    const counts = { partitionsOf: () => 2, coLocate: true }
    const apart = shared({ members: [member('a', 'left'), member('b', 'right')], ...counts })
    expect([...apart.values()].map(keysOf)).toEqual([
      ['left-0', 'left-1'],
      ['right-0', 'right-1'],
    ])
    // Nobody reads all three.
    const chained = shared({ members: [member('a', 'one', 'two'), member('b', 'two', 'three')], ...counts })
    expect(keysOf([...chained.values()].flat())).toEqual(['one-0', 'one-1', 'three-0', 'three-1', 'two-0', 'two-1'])
    // Who is of the version before can't have what lies beside a topic that it does not know.
    const upgraded = shared({ members: [member('new', 'one', 'two'), member('old', 'one')], ...counts })
    expect([...upgraded.values()].map((has) => has.length)).toEqual([4, 0])
  })

  it('gives every partition to one that reads it, and side by side as far as somebody reads all, whatever each reads', () => {
    const topics = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1 })
    const count = fc.constantFrom(0, 2, 3)
    const counts = fc.record({ a: count, b: count, c: count, d: count })
    fc.assert(
      fc.property(fc.array(topics, { minLength: 1, maxLength: 6 }), counts, fc.boolean(), (read, ofTopics, coLocate) => {
        const members = read.map((some, i) => member(`m${i}`, ...some))
        const countOf = (topic: string): number => ofTopics[topic as keyof typeof ofTopics]
        const assigned = shared({ members, partitionsOf: countOf, coLocate })
        const all = [...new Set(read.flat())].flatMap((topic) => Array.from({ length: countOf(topic) }, (_, i) => `${topic}-${i}`))
        expect(keysOf([...assigned.values()].flat())).toEqual(all.toSorted())
        for (const { memberId, topics: some } of members)
          for (const { topic } of assigned.get(memberId) ?? []) expect(some).toContain(topic)
        const isAllRead = read.some((some) => read.flat().every((topic) => some.includes(topic)))
        if (!coLocate || !isAllRead) return
        const present = Object.fromEntries([...new Set(read.flat())].map((topic) => [topic, countOf(topic)]))
        const linked = members.filter(({ topics: some }) => Object.keys(present).every((topic) => some.includes(topic)))
        expectCoLocated(new Map(linked.map(({ memberId }) => [memberId, assigned.get(memberId) ?? []])), present)
      }),
      { numRuns: 100 },
    )
  })

  it('comes to an even assignment of everything, in few rounds, whoever comes and goes, and co-locates', () => {
    const change = fc.record({ come: fc.integer({ min: 0, max: 3 }), go: fc.array(fc.nat(), { maxLength: 2 }) })
    const counts = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 9 }), { minKeys: 1 })
    fc.assert(
      fc.property(counts, fc.boolean(), fc.array(change, { maxLength: 6 }), (ofTopics, coLocate, changes) => {
        const owned = group('first')
        const given = { counts: ofTopics, coLocate }
        settle(owned, given)
        let named = 0
        for (const { come, go } of changes) {
          for (let i = 0; i < come; i++) owned.set(`m${named++}`, [])
          for (const one of go) if (owned.size > 1) owned.delete([...owned.keys()][one % owned.size] ?? '')
          expect(settle(owned, given)).toBeLessThanOrEqual(2)
          expect([...owned.values()].flat().length).toBe(Object.values(ofTopics).reduce((sum, count) => sum + count, 0))
          const loads = [...owned.values()].map((has) =>
            coLocate ? new Set(has.map(({ topic, partition }) => `${ofTopics[topic]} ${partition}`)).size : has.length,
          )
          expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1)
          if (coLocate) expectCoLocated(owned, ofTopics)
          expect(round(owned, given), 'what is settled stays').toBe(false)
        }
      }),
      { numRuns: 30 },
    )
  })
})

function expectCoLocated(owned: Owned, counts: Readonly<Record<string, number>>): void {
  for (const has of owned.values()) {
    for (const { topic, partition } of has) {
      const alike = Object.keys(counts).filter((other) => counts[other] === counts[topic])
      expect(keysOf(has)).toEqual(expect.arrayContaining(alike.map((other) => `${other}-${partition}`)))
    }
  }
}
