import { describe, expect, test } from 'vitest'
import { decodePartitionTime, encodePartitionTime } from '../../src/commit/offset-metadata.ts'
import { lowestOffsets } from '../../src/commit/lowest-offsets.ts'

const at = (partition: number, offset: number) => ({ topic: 't', partition, offset })

describe('the offsets of a commit', () => {
  test('are the lowest that every participant confirms; a partition that one leaves out is not committed', () => {
    const wanted = [{ ...at(0, 10), metadata: 'm' }, at(1, 20), at(2, 30)]
    expect(lowestOffsets(wanted, [wanted, [at(0, 7), at(1, 25)]])).toEqual([{ ...at(0, 7), metadata: 'm' }, at(1, 20)])
  })
})

describe('the time kept with an offset', () => {
  test("has Kafka Streams' layout: base64 of a 2 and eight big-endian bytes", () => {
    expect(Buffer.from(encodePartitionTime(0x0102_0304), 'base64')).toEqual(Buffer.from([2, 0, 0, 0, 0, 1, 2, 3, 4]))
    expect(decodePartitionTime(encodePartitionTime(1_700_000_000_123))).toBe(1_700_000_000_123)
    expect(decodePartitionTime(encodePartitionTime(-1))).toBe(-1)
  })

  test.each([undefined, '', 'something else', Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 1]).toString('base64')])(
    'is unknown in %j',
    (metadata) => {
      expect(decodePartitionTime(metadata)).toBe(-1)
    },
  )
})
