import { partitionKey, type TopicPartition } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { assignRange } from '../../src/group/assign-range.ts'
import type { AssignorMember } from '../../src/group/assignor.ts'

const member = (...topics: string[]): AssignorMember => ({ reads: (topic) => topics.includes(topic), target: new Map() })
const keys = (partitions: readonly TopicPartition[] | undefined) => partitions?.map((at) => partitionKey(at.topic, at.partition))

describe('assignRange', () => {
  it('cuts each topic into runs, the first members getting one more', () => {
    const [a, b] = [member('x', 'y'), member('x', 'y')]
    const assignment = assignRange(
      [a, b],
      [
        { name: 'x', partitions: 3 },
        { name: 'y', partitions: 3 },
      ],
    )
    expect(keys(assignment.get(a))).toEqual(['x 0', 'x 1', 'y 0', 'y 1'])
    expect(keys(assignment.get(b))).toEqual(['x 2', 'y 2'])
  })

  it('leaves members without partitions when there are too few', () => {
    const [a, b] = [member('x'), member('x')]
    const assignment = assignRange([a, b], [{ name: 'x', partitions: 1 }])
    expect([keys(assignment.get(a)), keys(assignment.get(b))]).toEqual([['x 0'], []])
  })

  it('gives a topic only to the members that read it', () => {
    const [a, b] = [member('x'), member('x', 'y')]
    const assignment = assignRange([a, b], [{ name: 'y', partitions: 2 }])
    expect([keys(assignment.get(a)), keys(assignment.get(b))]).toEqual([[], ['y 0', 'y 1']])
  })
})
