import { describe, expect, it } from 'vitest'
import {
  decodeAssignment,
  decodePartitions,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../src/group/consumer-protocol.ts'

const NONE = { replicas: 0, topics: [] }
const LINES = [0, 2].map((partition) => ({ topic: 'lines', partition }))
const SUBSCRIPTION = {
  topics: ['lines', 'wörter'],
  owned: LINES,
  generation: 7,
  warm: [{ topic: 'wörter', partition: 1 }],
  standbys: { replicas: 2, topics: ['lines'] },
}
const ASSIGNMENT = { partitions: LINES, standbys: [], counts: new Map([['wörter', 7]]) }

describe('what members of a group tell each other', () => {
  it('is read as it was written', () => {
    expect(decodeSubscription(encodeSubscription(SUBSCRIPTION))).toEqual(SUBSCRIPTION)
    for (const standbys of [[], LINES]) {
      const assignment = { ...ASSIGNMENT, standbys }
      expect(decodeAssignment(encodeAssignment(assignment))).toEqual(assignment)
      expect(decodePartitions(encodeAssignment(assignment))).toEqual(LINES)
    }
  })

  it('has the layout of Kafka, so that its tools can read it', () => {
    const lines = '0000000100056c696e657300000002' + '00000000' + '00000002'
    const data = '00000000'
    const assignment = { partitions: LINES, standbys: [], counts: new Map() }
    expect(encodeAssignment(assignment).toString('hex')).toBe(`0000${lines}00000004${data}`)
    expect(decodeAssignment(Buffer.from(`0000${lines}ffffffff`, 'hex'))).toEqual(assignment)
    const subscription = encodeSubscription({ topics: ['a'], owned: LINES, generation: 3, warm: [], standbys: NONE })
    expect(subscription.toString('hex')).toBe(`0002${'00000001000161'}${'0000000400000000'}${lines}00000003`)
  })

  it('may be of an older version, or nothing', () => {
    const old = Buffer.from('0000' + '00000001000161' + 'ffffffff', 'hex')
    expect(decodeSubscription(old)).toEqual({ topics: ['a'], owned: [], generation: -1, warm: [], standbys: NONE })
    expect(decodeAssignment(Buffer.alloc(0))).toEqual({ partitions: [], standbys: [], counts: new Map() })
  })

  it('is refused when it is cut off, or says that it is longer than it is', () => {
    const whole = encodeSubscription(SUBSCRIPTION)
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeSubscription(whole.subarray(0, length)), `${length} bytes`).toThrow(RangeError)
    }
    expect(() => decodeAssignment(Buffer.from('00007fffffff', 'hex'))).toThrow('an array has more items than bytes for them')
  })
})
