import { partitionKey, type TopicPartition } from '@millrace/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assignSticky } from '../../src/group/assign-sticky.ts'
import type { AssignorMember, AssignorTopic } from '../../src/group/assignor.ts'

class Member implements AssignorMember {
  target: ReadonlyMap<string, TopicPartition> = new Map()
  readonly topics: readonly string[]

  constructor(topics: readonly string[]) {
    this.topics = topics
  }

  reads(topic: string): boolean {
    return this.topics.includes(topic)
  }
}

/** Assigns and hands each member its new target; returns the partitions that left a member which is still there. */
function assign(members: readonly Member[], topics: readonly AssignorTopic[]): { readonly moved: number } {
  let moved = 0
  for (const [member, partitions] of assignSticky(members, topics)) {
    const target = new Map(partitions.map((at) => [partitionKey(at.topic, at.partition), at]))
    for (const key of member.target.keys()) if (!target.has(key)) moved++
    member.target = target
  }
  return { moved }
}

const keys = (members: readonly Member[]): string[] => members.flatMap(({ target }) => [...target.keys()])

describe('assignSticky', () => {
  it('spreads each topic over the members', () => {
    const members = [new Member(['x', 'y']), new Member(['x', 'y'])]
    assign(members, [
      { name: 'x', partitions: 2 },
      { name: 'y', partitions: 2 },
    ])
    expect(members.map((member) => [...member.target.keys()])).toEqual([
      ['x 0', 'y 0'],
      ['x 1', 'y 1'],
    ])
  })

  it('moves nothing when nothing has changed', () => {
    const members = [new Member(['x']), new Member(['x']), new Member(['x'])]
    assign(members, [{ name: 'x', partitions: 7 }])
    expect(assign(members, [{ name: 'x', partitions: 7 }]).moved).toBe(0)
  })

  it('gives a topic only to members that read it, and takes away what one reads no more', () => {
    const [a, b] = [new Member(['x']), new Member(['y'])]
    b.target = new Map([['x 0', { topic: 'x', partition: 0 }]])
    assign(
      [a, b],
      [
        { name: 'x', partitions: 3 },
        { name: 'y', partitions: 1 },
      ],
    )
    expect([keys([a]), keys([b])]).toEqual([['x 0', 'x 1', 'x 2'], ['y 0']])
  })

  it('assigns every partition once, balanced, and moves no more than balance needs, whoever comes and goes', () => {
    const change = fc.oneof(fc.constant('join' as const), fc.nat(9))
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.array(change, { maxLength: 12 }), (partitions, changes) => {
        const topics = [
          { name: 'x', partitions },
          { name: 'y', partitions: 3 },
        ]
        const members = [new Member(['x', 'y'])]
        assign(members, topics)
        for (const step of changes) {
          if (step === 'join') members.push(new Member(['x', 'y']))
          else if (members.length > 1) members.splice(step % members.length, 1)
          const fair = Math.floor((partitions + 3) / members.length)
          const surplus = members.reduce((sum, { target }) => sum + Math.max(0, target.size - fair), 0)
          expect(assign(members, topics).moved).toBeLessThanOrEqual(surplus)
          const all = keys(members)
          expect(new Set(all).size).toBe(all.length)
          expect(all.length).toBe(partitions + 3)
          const sizes = members.map(({ target }) => target.size)
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
        }
      }),
    )
  })
})
