import { describe, expect, test } from 'vitest'
import { bytesAt } from '@millrace/core'
import type { RawMessage } from '../src/client/raw-client.ts'
import { AssignedPartitions } from '../src/source/assigned-partitions.ts'
import { ReadAhead } from '../src/source/read-ahead.ts'

function message(partition: number, offset: number, overrides: Partial<RawMessage> = {}): RawMessage {
  return { topic: 't', partition, offset, timestamp: offset * 10, key: null, value: Buffer.from(`${partition}:${offset}`), ...overrides }
}

function readAhead(...partitions: readonly number[]) {
  const assigned = new AssignedPartitions()
  for (const partition of partitions) assigned.add({ topic: 't', partition, offset: 0 }, false)
  return { assigned, readAhead: new ReadAhead(assigned, () => 100) }
}

describe('what was read ahead', () => {
  test('is handed out as one batch a partition, in offset order', () => {
    const { readAhead: ahead } = readAhead(0, 1)
    ahead.keep([message(0, 0), message(0, 1), message(1, 5), message(0, 2)])
    const { batches } = ahead.take()
    expect(batches.map(({ partition, offsets, endOffset }) => [partition, [...(offsets as Float64Array)], endOffset])).toEqual([
      [0, [0, 1, 2], 100],
      [1, [5], 100],
    ])
    expect(ahead.take().batches).toEqual([])
  })

  test('keeps empty values and headers apart from null ones', () => {
    const { readAhead: ahead } = readAhead(0)
    ahead.keep([
      message(0, 0, { value: Buffer.alloc(0), headers: [{ a: Buffer.from('1') }, { a: Buffer.alloc(0) }] }),
      message(0, 1, { value: null }),
    ])
    const [batch] = ahead.take().batches
    expect([bytesAt(batch!.values, 0)?.byteLength, bytesAt(batch!.values, 1)]).toEqual([0, null])
    expect(batch!.headers?.[0]?.map(({ key, value }) => [key, value?.byteLength])).toEqual([
      ['a', 1],
      ['a', 0],
    ])
    expect(batch!.headers?.[1]).toBeUndefined()
  })

  test('does not hold what was taken away, comes from before a seek, or is paused', () => {
    const { assigned, readAhead: ahead } = readAhead(0, 1, 2)
    ahead.keep([message(0, 0), message(1, 0), message(2, 0), message(3, 0)])
    assigned.remove([{ topic: 't', partition: 0 }])
    assigned.setPaused([{ topic: 't', partition: 1 }], true)
    ahead.drop([{ topic: 't', partition: 2 }])
    assigned.startFrom({ topic: 't', partition: 2 }, 5)
    ahead.keep([message(2, 4), message(2, 5)])
    expect(ahead.take().batches.map(({ partition, offsets }) => [partition, [...(offsets as Float64Array)]])).toEqual([[2, [5]]])
    assigned.setPaused([{ topic: 't', partition: 1 }], false)
    expect(ahead.take().batches.map(({ partition }) => partition)).toEqual([1])
  })

  test('tells the end of a partition with the records before it', () => {
    const { readAhead: ahead } = readAhead(0)
    ahead.keep([message(0, 0)])
    ahead.keepEnd({ topic: 't', partition: 0, offset: 1 })
    ahead.keepEnd({ topic: 't', partition: 9, offset: 1 })
    const { batches, ends } = ahead.take()
    expect([batches.length, ends]).toEqual([1, [{ topic: 't', partition: 0, offset: 1 }]])
  })
})
