import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TopicPartition } from '@millrace/core'
import { assign, type AssignedMember } from '../../src/group/assign.ts'

const FOLLOWS = { replicas: 1, topics: ['words'] }
const NONE = { replicas: 0, topics: [] }

function member(memberId: string, more: Partial<AssignedMember> = {}): AssignedMember {
  return { memberId, topics: ['lines', 'words'], owned: [], generation: -1, warm: [], standbys: FOLLOWS, ...more }
}

function words(...partitions: number[]): TopicPartition[] {
  return partitions.map((partition) => ({ topic: 'words', partition }))
}

/** Who has, and who follows, by the names of members. */
function placed(members: readonly AssignedMember[], count = 4) {
  const all = [...assign({ members, partitionsOf: () => count, coLocate: false })]
  const keys = (partitions: readonly TopicPartition[]): string[] => partitions.map(({ topic, partition }) => `${topic}-${partition}`)
  return {
    has: new Map(all.map(([memberId, { partitions }]) => [memberId, keys(partitions)])),
    follows: new Map(all.map(([memberId, { standbys }]) => [memberId, keys(standbys)])),
  }
}

describe('standbys', () => {
  it('are as many as are wanted of each task that keeps state, evenly, and never with who has it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 12 }),
        (size, replicas, count) => {
          const members = Array.from({ length: size }, (_, i) => member(`m${i}`, { standbys: { replicas, topics: ['words'] } }))
          const { has, follows } = placed(members, count)
          const copies = Math.min(replicas, size - 1)
          const all = [...follows.values()].flat()
          for (let partition = 0; partition < count; partition++)
            expect(all.filter((key) => key === `words-${partition}`).length).toBe(copies)
          expect(all.every((key) => key.startsWith('words'))).toBe(true)
          for (const [memberId, keys] of follows) {
            expect(new Set([...keys, ...(has.get(memberId) ?? [])]).size).toBe(keys.length + (has.get(memberId)?.length ?? 0))
            // One more where the last of the others is the one that has it.
            expect(keys.length).toBeLessThanOrEqual(Math.ceil((count * copies) / size) + 1)
          }
        },
      ),
    )
  })

  it('stay where the state is', () => {
    const members = [
      member('a', { owned: words(0, 1), warm: words(2) }),
      member('b', { owned: words(2, 3), warm: words(0) }),
      member('c', { warm: words(1, 3) }),
    ].map((one) => ({ ...one, topics: ['words'] }))
    const { follows } = placed([...members, member('d', { topics: ['words'], owned: words(4, 5) })], 6)
    expect(follows.get('a')).toContain('words-2')
    expect(follows.get('b')).toContain('words-0')
  })

  it('are with those alone that follow any', () => {
    const { follows } = placed([member('a'), member('b', { standbys: NONE }), member('c', { standbys: NONE })])
    expect([...follows].filter(([, keys]) => keys.length > 0).map(([memberId]) => memberId)).toEqual(['a'])
  })

  it('include what a member is to have once another has let it go', () => {
    const { has, follows } = placed([member('a', { owned: words(0, 1, 2, 3), topics: ['words'] }), member('b', { topics: ['words'] })])
    expect(has.get('b')).toEqual([])
    expect(follows.get('b')?.toSorted()).toEqual(['words-0', 'words-1', 'words-2', 'words-3'])
  })
})
