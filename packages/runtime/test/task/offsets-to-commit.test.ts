import { expect, test } from 'vitest'
import { decodePartitionTime } from '../../src/commit/offset-metadata.ts'
import type { PartitionQueue } from '../../src/source/partition-queue.ts'
import { OffsetsToCommit } from '../../src/task/offsets-to-commit.ts'

test('however much is held back, a few passes of it are remembered: it is committed with a time that its partition had by then', () => {
  const queue = { topic: 't', partition: 0, nextOffset: 0, partitionTime: 0 }
  const offsets = new OffsetsToCommit([queue as PartitionQueue])
  const passes = Array.from({ length: 10_000 }, (_, i) => i + 1)
  for (const pass of passes) {
    queue.nextOffset = pass
    queue.partitionTime = pass
    offsets.passed(queue as PartitionQueue)
  }
  const times = passes.map((offset) => decodePartitionTime(offsets.timed({ topic: 't', partition: 0, offset }).metadata))
  expect(new Set(times).size).toBeLessThanOrEqual(1_001)
  expect(times.every((time, i) => time <= i + 1 && time >= i + 1 - 100)).toBe(true)
})
