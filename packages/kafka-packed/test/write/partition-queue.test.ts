import { ManualClock, viewColumn } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { BatchReader } from '../../src/records/batch-reader.ts'
import { KeylessPartitions } from '../../src/write/keyless-partitions.ts'
import type { PendingBatch } from '../../src/write/pending-batch.ts'
import { PartitionQueue } from '../../src/write/partition-queue.ts'
import { Settlements } from '../../src/write/settlements.ts'
import { sequenceAfter } from '../../src/write/sequence.ts'
import { resolveWriterOptions } from '../../src/write/writer-options.ts'
import { readAll } from '../support/records.ts'

const NODE = 1
const MOST_AHEAD = 3_000

class Queue {
  readonly clock = new ManualClock()
  readonly queue: PartitionQueue

  constructor() {
    const options = resolveWriterOptions({ brokers: [{ host: 'none', port: 1 }], clock: this.clock, batchBytes: 1_000_000 })
    const identity = { producerId: 7, producerEpoch: 3 }
    this.queue = new PartitionQueue('topic', 0, { identity, options, settlements: new Settlements(), mostAhead: () => MOST_AHEAD })
  }

  /** One batch of these values. */
  add(...values: string[]): void {
    const columns = {
      keys: viewColumn(values.map(() => null)),
      values: viewColumn(values.map((value) => Buffer.from(value))),
      timestamps: values.map(() => 1),
    }
    for (let row = 0; row < values.length; row++) this.queue.append(columns, row, 10)
    this.queue.seal()
  }

  /** The broker has acknowledged a batch of one record. */
  known(): this {
    this.add('first')
    this.queue.done(this.take())
    return this
  }

  take(node = NODE): PendingBatch {
    const batch = this.queue.take(node, this.clock.monotonic())
    if (batch === undefined) throw new Error('there is nothing to send')
    return batch
  }

  get next(): PendingBatch | undefined {
    return this.queue.take(NODE, this.clock.monotonic())
  }
}

function sent({ sealed }: PendingBatch): object {
  const view = new DataView(sealed.bytes.buffer, sealed.bytes.byteOffset)
  const values = readAll(new BatchReader(sealed.bytes, { fromOffset: 0, checkCrcs: true })).map(({ value }) => value)
  return { values, id: Number(view.getBigInt64(43)), epoch: view.getInt16(51), sequence: view.getInt32(53) }
}

describe('a queue of a partition', () => {
  it('has five batches under way, numbered in order', () => {
    const one = new Queue()
    for (let i = 0; i < 7; i++) one.add(`a${i}`, `b${i}`)
    const first = one.take()
    // A broker that knows nothing of the producer would take the second for the first.
    expect(one.next).toBeUndefined()
    one.queue.done(first)
    const taken = Array.from({ length: 5 }, () => one.take())
    expect(taken.map(sent)).toEqual([1, 2, 3, 4, 5].map((i) => ({ values: [`a${i}`, `b${i}`], id: 7, epoch: 3, sequence: 2 * i })))
    expect(one.next).toBeUndefined()
    one.queue.done(taken[0] as PendingBatch)
    expect(sent(one.take())).toMatchObject({ sequence: 12 })
  })

  it('sends what came to nothing again, in order, each alone, with the number it has', async () => {
    const one = new Queue().known()
    for (let i = 0; i < 4; i++) one.add(`a${i}`)
    const [first, second, third] = [one.take(), one.take(), one.take()]
    one.queue.retry(second, 100)
    one.queue.retry(first, 50)
    // The third is still under way, and then the time has not come.
    expect(one.next).toBeUndefined()
    one.queue.retry(third, 0)
    expect(one.next).toBeUndefined()
    await one.clock.advance(100)
    const again = one.take()
    expect(sent(again)).toMatchObject({ values: ['a0'], sequence: 1 })
    expect(one.next).toBeUndefined()
    one.queue.done(again)
    expect([one.take(), one.take(), one.take()].map(sent)).toMatchObject([{ sequence: 2 }, { sequence: 3 }, { sequence: 4 }])
  })

  it('sends nothing to a new leader while the one before may still write', () => {
    const one = new Queue().known()
    one.add('a')
    one.add('b')
    const first = one.take(1)
    expect(one.queue.take(2, 0)).toBeUndefined()
    one.queue.done(first)
    expect(sent(one.take(2))).toMatchObject({ values: ['b'], sequence: 2 })
  })

  it('halves what is too large: the halves take its numbers, what was sent behind it comes back', () => {
    const one = new Queue().known()
    one.add('a', 'b', 'c')
    one.add('d')
    const [large, behind] = [one.take(), one.take()]
    one.queue.split(large)
    expect(one.queue.isFirst(behind)).toBe(false)
    one.queue.retry(behind, 0)
    const order: object[] = []
    for (let i = 0; i < 3; i++) {
      const batch = one.take()
      order.push(sent(batch))
      one.queue.done(batch)
    }
    expect(order).toMatchObject([
      { values: ['a', 'b'], sequence: 1 },
      { values: ['c'], sequence: 3 },
      { values: ['d'], sequence: 4 },
    ])
    expect(one.queue.isEmpty).toBe(true)
  })

  it('goes on under another identity when a record is lost, once nothing is under way; what may have been written is not written again', () => {
    const one = new Queue().known()
    for (const value of ['lost', 'maybe', 'refused', 'waits']) one.add(value)
    const [lost, maybe, refused] = [one.take(), one.take(), one.take()]
    expect(one.queue.isFirst(lost)).toBe(true)
    one.queue.fail(lost)
    expect(one.queue.isFirst(maybe)).toBe(false)
    expect(one.queue.needsIdentity).toBe(false)
    maybe.isUncertain = true
    one.queue.retry(maybe, 0)
    one.queue.retry(refused, 0)
    expect(one.queue.needsIdentity).toBe(true)
    expect(one.next).toBeUndefined()
    expect(one.queue.renew({ producerId: 8, producerEpoch: 0 })).toEqual([maybe])
    expect(sent(one.take())).toEqual({ values: ['refused'], id: 8, epoch: 0, sequence: 0 })
  })

  it('needs no other identity for what fails before it was ever sent', async () => {
    const one = new Queue()
    one.add('a')
    one.add('b')
    await one.clock.advance(120_000)
    const expired = one.queue.expired(one.clock.monotonic())
    expect(expired).toHaveLength(2)
    for (const batch of expired) one.queue.fail(batch)
    expect([one.queue.isEmpty, one.queue.needsIdentity]).toEqual([true, false])
  })

  it('fails a batch once, whether it waits or is under way', () => {
    const one = new Queue()
    one.add('a')
    one.add('b')
    const underWay = one.take()
    for (const batch of [underWay, ...one.queue.expired(Infinity)]) {
      expect([one.queue.fail(batch), one.queue.fail(batch)]).toEqual([true, false])
    }
    expect(one.queue.isEmpty).toBe(true)
  })

  it('makes room for as much as the batch before had, but no more than its share before there are records for it', () => {
    const one = new Queue()
    const room = (): number => {
      const batch = one.take()
      one.queue.done(batch)
      return batch.sealed.bytes.buffer.byteLength
    }
    one.add('x'.repeat(100_000))
    expect(room()).toBeGreaterThan(100_000)
    one.add('a')
    expect(room()).toBe(MOST_AHEAD)
  })

  it('numbers records from 0 again behind 2^31 - 1', () => {
    expect(sequenceAfter(2 ** 31 - 2, 1)).toBe(2 ** 31 - 1)
    expect(sequenceAfter(2 ** 31 - 2, 5)).toBe(3)
  })
})

describe('records without a key', () => {
  it('stay in one partition until its batch is finished, then go to any other', () => {
    const numbers = [0.5, 0, 0.99]
    const keyless = new KeylessPartitions(() => numbers.shift() ?? 0)
    expect([keyless.of('topic', 4), keyless.of('topic', 4)]).toEqual([2, 2])
    keyless.next('topic', 1, 4)
    expect(keyless.of('topic', 4)).toBe(2)
    keyless.next('topic', 2, 4)
    expect(keyless.of('topic', 4)).toBe(3)
    keyless.next('topic', 3, 4)
    expect(keyless.of('topic', 4)).toBe(2)
    keyless.next('topic', 2, 1)
    expect(keyless.of('topic', 1)).toBe(0)
  })
})
