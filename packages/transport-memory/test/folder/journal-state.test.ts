import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JournalState, type JournalEntry } from '../../src/folder/journal-state.ts'

type Change = typeof change extends fc.Arbitrary<infer T> ? T : never

/** A change as an entry; topics are numbered in the order they are created. */
function entryOf(change: Change, state: JournalState): JournalEntry {
  return change.type === 'topic' ? { ...change, id: state.nextTopicId, partitions: 3, config: {} } : change
}

const topicName = fc.constantFrom('a', 'b', 'c')
const offsets = fc.array(fc.record({ topic: topicName, partition: fc.nat(2), offset: fc.nat(100) }), { maxLength: 3 })
const group = fc.constantFrom('g', 'h')

const change = fc.oneof(
  fc.record({ type: fc.constant('topic' as const), name: topicName }),
  fc.record({ type: fc.constant('topic-deleted' as const), name: topicName }),
  fc
    .record({ type: fc.constant('start' as const), topic: topicName, partition: fc.nat(3), startOffset: fc.nat(9), count: fc.nat(9) })
    .map(({ count, ...at }) => ({ ...at, endOffset: at.startOffset + count })),
  fc.record({ type: fc.constant('offsets' as const), group, offsets }),
  fc.record({
    type: fc.constant('transaction' as const),
    id: fc.nat(50),
    offsets: fc.array(fc.record({ group, offsets }), { maxLength: 2 }),
  }),
)

describe('JournalState', () => {
  it('says the same when it is replayed from its own, shortest journal', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const state = new JournalState()
        for (const entry of changes) state.apply(entryOf(entry, state))
        const replayed = new JournalState()
        for (const entry of state.entries()) replayed.apply(entry)
        expect(replayed.topics).toEqual(state.topics)
        expect(replayed.offsets()).toEqual(state.offsets())
        expect(replayed.decided).toEqual(state.decided)
        expect(replayed.lastTransactionId).toBe(state.lastTransactionId)
        expect(replayed.entries()).toEqual(state.entries())
      }),
    )
  })

  it('forgets the committed offsets of a topic that is deleted', () => {
    const state = new JournalState()
    state.apply({ type: 'topic', id: 1, name: 'a', partitions: 1, config: {} })
    state.apply({ type: 'offsets', group: 'g', offsets: [{ topic: 'a', partition: 0, offset: 5 }] })
    state.apply({ type: 'topic-deleted', name: 'a' })
    expect(state.offsets().get('g')).toEqual([])
    expect(state.nextTopicId).toBe(2)
  })
})
