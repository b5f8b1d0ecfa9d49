import { RECORD_MEMORY_BYTES } from '@millrace/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formBatch, type FormingState } from '../../src/batch/batch-former.ts'
import type { PartitionQueue } from '../../src/source/partition-queue.ts'
import { partitionQueue, wireBatch } from '../support/wire.ts'

const idle: FormingState = {
  now: 0,
  streamTime: -1,
  punctuateAt: Infinity,
  finishing: undefined,
  maxTaskIdleMs: 0,
  waitingSince: undefined,
}

function queueOf(
  timestamps: readonly number[],
  options: { topic?: string; size?: number; timeoutMs?: number; end?: boolean } = {},
): PartitionQueue {
  const { topic = 'in', size = 100, timeoutMs = 1_000, end = true } = options
  const queue = partitionQueue({ topic, policy: { size, timeoutMs } })
  queue.append(
    wireBatch(
      timestamps.map((timestamp) => ({ value: 'x', timestamp })),
      { topic },
    ),
    0,
  )
  if (end) queue.markEnd(timestamps.length)
  return queue
}

describe('forming a batch of one partition', () => {
  test('cuts by size when there is enough, without waiting', () => {
    expect(formBatch([queueOf([1, 2, 3], { size: 2 })], idle)).toMatchObject({ count: 2, trigger: 'records' })
  })

  test('waits until the first record has its age, then cuts', () => {
    const queue = queueOf([1, 2, 3])
    expect(formBatch([queue], { ...idle, now: 400 })).toEqual({ waitMs: 600, blocked: false })
    expect(formBatch([queue], { ...idle, now: 1_000 })).toMatchObject({ count: 3, trigger: 'age' })
  })

  test('a record that arrives later does not prolong the wait', () => {
    const queue = queueOf([1])
    queue.append(wireBatch([{ value: 'y' }], { firstOffset: 1 }), 900)
    expect(formBatch([queue], { ...idle, now: 1_000 })).toMatchObject({ count: 2, trigger: 'age' })
  })

  test.each(['drain', 'revoke'] as const)('cuts what is there on %s', (finishing) => {
    expect(formBatch([queueOf([1, 2])], { ...idle, finishing })).toMatchObject({ count: 2, trigger: finishing })
  })

  test('cuts what is there when the buffer is full or the partition is paused: what it waits for may never have room', () => {
    expect(formBatch([queueOf([1, 2])], { ...idle, stalled: true })).toMatchObject({ count: 2, trigger: 'memory' })
    const paused = queueOf([1, 2, 3])
    paused.paused = true
    expect(formBatch([paused], idle)).toMatchObject({ count: 3, trigger: 'memory' })
  })

  test('cuts by the memory that records take: their bytes, and something for each', () => {
    const queue = partitionQueue({ policy: { size: 100, timeoutMs: Infinity, maxMemoryBytes: 2 * (3 + RECORD_MEMORY_BYTES) } })
    queue.append(wireBatch(['ab', 'cd'].map((value) => ({ value }))), 0)
    expect(formBatch([queue], idle)).toMatchObject({ count: 2, trigger: 'memory' })
    queue.append(wireBatch([{ value: 'ef' }], { firstOffset: 2 }), 0)
    expect(formBatch([queue], idle)).toMatchObject({ count: 2, trigger: 'memory' })
  })

  test('hands on what is there where nothing is to wait, and waits for ever where nothing limits the wait', () => {
    const never = partitionQueue({ policy: { timeoutMs: Infinity } })
    never.append(wireBatch([{ value: 'a' }]), 0)
    expect(formBatch([never], { ...idle, now: 1e9 })).toEqual({ waitMs: Infinity, blocked: false })
    const free = partitionQueue({ policy: { timeoutMs: Infinity, waitWhenIdle: false } })
    free.append(wireBatch([{ value: 'a' }]), 0)
    expect(formBatch([free], idle)).toMatchObject({ count: 1, trigger: 'demand' })
  })

  test('ends before a record that cannot be decoded, and says so with a count of 0 when it is next', () => {
    const queue = partitionQueue()
    queue.append(wireBatch([{ value: 'a' }, { value: 'bad!' }]), 0)
    expect(formBatch([queue], idle)).toMatchObject({ count: 1 })
    queue.drop(1)
    expect(formBatch([queue], idle)).toMatchObject({ count: 0 })
  })

  test('ends with the record that makes a stream-time punctuator due', () => {
    expect(formBatch([queueOf([1, 9, 10, 11])], { ...idle, streamTime: 0, punctuateAt: 10 })).toMatchObject({
      count: 3,
      trigger: 'punctuate',
    })
  })
})

describe('forming a batch of several partitions', () => {
  test('takes the run of the lowest timestamps before another partition takes over', () => {
    const a = queueOf([1, 2, 8], { topic: 'a' })
    const b = queueOf([5, 6], { topic: 'b' })
    expect(formBatch([a, b], idle)).toMatchObject({ queue: a, count: 2, trigger: 'order' })
  })

  test('waits for a partition that is empty but may be behind', () => {
    const a = queueOf([1], { topic: 'a' })
    const b = queueOf([], { topic: 'b', end: false })
    expect(formBatch([a, b], idle)).toEqual({ waitMs: undefined, blocked: true })
    b.markEnd(0)
    expect(formBatch([a, b], { ...idle, now: 1_000 })).toMatchObject({ queue: a })
  })

  test('never waits with maxTaskIdleMs -1, and as long as it says above 0', () => {
    const a = queueOf([1], { topic: 'a', timeoutMs: 0 })
    const behind = queueOf([], { topic: 'b', end: false })
    expect(formBatch([a, behind], { ...idle, maxTaskIdleMs: -1 })).toMatchObject({ queue: a })
    const atEnd = queueOf([], { topic: 'b' })
    expect(formBatch([a, atEnd], { ...idle, maxTaskIdleMs: 50, now: 10, waitingSince: 0 })).toEqual({ waitMs: 40, blocked: true })
    expect(formBatch([a, atEnd], { ...idle, maxTaskIdleMs: 50, now: 50, waitingSince: 0 })).toMatchObject({ queue: a })
  })

  test('takes records in the order that choosing one at a time would give, for any batch size', () => {
    const timestamps = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 12 })
    fc.assert(
      fc.property(timestamps, timestamps, timestamps, fc.integer({ min: 1, max: 5 }), (one, two, three, size) => {
        const order = (batchSize: number): string[] => {
          const queues = [one, two, three].map((times, i) => queueOf(times, { topic: `t${i}`, size: batchSize, timeoutMs: 0 }))
          const taken: string[] = []
          for (;;) {
            const forming = formBatch(queues, idle)
            if (!('queue' in forming)) return taken
            for (let i = 0; i < forming.count; i++)
              taken.push(`${forming.queue.topic}@${forming.queue.peek(forming.count, 'records', -1).offset(i)}`)
            forming.queue.drop(forming.count)
          }
        }
        expect(order(size)).toEqual(order(1))
      }),
    )
  })
})
