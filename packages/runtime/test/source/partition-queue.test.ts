import { type Serde, serdes } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { partitionQueue, sourceNode, wireBatch } from '../support/wire.ts'

describe('a partition queue', () => {
  test('gives a batch over several wire batches, in offset order, and keeps it until it is dropped', () => {
    const queue = partitionQueue()
    queue.append(wireBatch([{ value: 'a' }, { value: 'b' }]), 0)
    queue.append(wireBatch([{ value: 'c' }, { value: 'd' }], { firstOffset: 5 }), 0)
    const batch = queue.peek(3, 'records', -1)
    expect(batch.values).toEqual(['a', 'b', 'c'])
    expect([batch.offset(0), batch.offset(1), batch.offset(2)]).toEqual([0, 1, 5])
    expect(queue.length).toBe(4)
    queue.drop(3)
    expect(queue.peek(1, 'records', -1).values).toEqual(['d'])
  })

  test('commits the offset of the next waiting record, over gaps', () => {
    const queue = partitionQueue({ position: 3 })
    expect(queue.nextOffset).toBe(3)
    queue.append(
      wireBatch([
        { value: 'a', offset: 3 },
        { value: 'b', offset: 9 },
      ]),
      0,
    )
    expect(queue.nextOffset).toBe(3)
    queue.drop(1)
    expect(queue.nextOffset).toBe(9)
    queue.drop(1)
    expect(queue.nextOffset).toBe(10)
  })

  test('commits past control records once the partition was read to its end, not before', () => {
    const queue = partitionQueue()
    queue.append(wireBatch([{ value: 'a' }]), 0)
    queue.markEnd(4)
    expect(queue.atEnd).toBe(true)
    expect(queue.nextOffset).toBe(0)
    queue.drop(1)
    expect(queue.nextOffset).toBe(4)
  })

  test('releases a wire batch once, when its last record has been dropped', () => {
    let released = 0
    const queue = partitionQueue()
    queue.append(wireBatch([{ value: 'a' }, { value: 'b' }], { released: () => released++ }), 0)
    queue.drop(1)
    expect(released).toBe(0)
    queue.drop(1)
    expect(released).toBe(1)
    queue.clear()
    expect(released).toBe(1)
  })

  test('counts headers to the bytes that wait, and to those of a batch', () => {
    const queue = partitionQueue()
    const headers = [{ key: 'stack', value: new Uint8Array(1_000) }]
    queue.append(wireBatch([{ value: 'a', headers }, { value: 'b' }, { value: 'c', headers }]), 0)
    const bytes = queue.bytes
    expect(bytes).toBeGreaterThan(2_010)
    expect(queue.countWithin(1_100, 3)).toBe(2)
    expect(queue.bytesOf(1, 0)).toBeGreaterThan(1_000)
    queue.drop(1)
    expect(queue.bytes).toBeLessThan(bytes - 1_000)
    queue.drop(2)
    expect(queue.bytes).toBe(0)
  })

  test('counts stream time by record from where the task stood', () => {
    const queue = partitionQueue()
    queue.append(wireBatch([5, 20, 10, 30].map((timestamp) => ({ value: 'x', timestamp }))), 0)
    const batch = queue.peek(4, 'records', 12)
    expect([0, 1, 2, 3].map((i) => batch.streamTime(i))).toEqual([12, 20, 20, 30])
  })

  test('marks a record that cannot be decoded and names topic, partition and offset; the others are good', () => {
    const queue = partitionQueue()
    queue.append(wireBatch([{ value: 'a' }, { value: 'bad!' }, { value: 'c' }]), 0)
    expect(queue.firstFailure()).toBeUndefined()
    expect(queue.countGood(10)).toBe(1)
    queue.drop(1)
    expect(queue.countGood(10)).toBe(0)
    expect(queue.firstFailure()).toMatchObject({
      code: 'RECORD_UNDECODABLE',
      part: 'value',
      topic: 'in',
      partition: 0,
      offset: 1,
      node: 'lines',
    })
    expect(queue.firstFailure()?.message).toContain('in-0, offset 1')
  })

  test.each([NaN, -1, Infinity])('marks a record whose extracted timestamp is %s', (timestamp) => {
    const queue = partitionQueue({ source: sourceNode({ timestamp: () => timestamp }) })
    queue.append(wireBatch([{ value: 'a' }]), 0)
    expect(queue.firstFailure()?.message).toContain('timestamp')
  })

  test('gives a timestamp extractor the highest timestamp of the partition before the record, over wire batches', () => {
    const seen: number[] = []
    const source = sourceNode({
      timestamp: (record, partitionTime) => {
        seen.push(partitionTime)
        return Number(record.value)
      },
    })
    const queue = partitionQueue({ source })
    queue.append(wireBatch([{ value: '5' }, { value: '3' }]), 0)
    queue.append(wireBatch([{ value: '9' }, { value: '1' }], { firstOffset: 2 }), 0)
    queue.peek(4, 'records', -1)
    expect(seen).toEqual([-1, 5, 5, 9])
  })

  test('decodes ahead what the next records lie in, and no more', () => {
    const seen: number[] = []
    const source = sourceNode({
      timestamp: (record) => {
        seen.push(Number(record.value))
        return 0
      },
    })
    const queue = partitionQueue({ source })
    for (const value of [0, 2, 4])
      queue.append(wireBatch([{ value: String(value) }, { value: String(value + 1) }], { firstOffset: value }), 0)
    queue.peek(1, 'records', -1)
    expect(seen).toEqual([0, 1])
    queue.decodeAhead(2)
    expect(seen).toEqual([0, 1])
    queue.decodeAhead(3)
    expect(seen).toEqual([0, 1, 2, 3])
    queue.drop(3)
    queue.decodeAhead(1)
    expect(seen).toEqual([0, 1, 2, 3])
    queue.decodeAhead(100)
    expect(seen).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('gives the bytes of a waiting record as copies', () => {
    const queue = partitionQueue()
    const wire = wireBatch([{ value: 'a' }, { key: 'l', value: 'b', timestamp: 7 }, { value: null }])
    queue.append(wire, 0)
    queue.drop(1)
    const raw = queue.raw(0)
    if (wire.values.form === 'views') wire.values.views[1]?.fill(0)
    expect(raw).toEqual({ offset: 1, timestamp: 7, key: new Uint8Array([0x6c]), value: new Uint8Array([0x62]), headers: [] })
    expect(queue.raw(1).value).toBeNull()
  })

  test('counts how many records fit into bytes, at least one', () => {
    const queue = partitionQueue()
    queue.append(wireBatch([{ value: '12345' }, { value: '1' }, { value: '1234567890' }]), 0)
    expect(queue.bytes).toBe(6 + 2 + 11)
    expect(queue.countWithin(3, 10)).toBe(1)
    expect(queue.countWithin(8, 10)).toBe(2)
    expect(queue.countWithin(100, 2)).toBe(2)
    queue.drop(2)
    expect(queue.bytes).toBe(11)
  })
})

describe('a column in which nothing can fail', () => {
  const decoded: string[] = []
  const total: Serde<unknown> = {
    ...(serdes.string as Serde<unknown>),
    deserialize(bytes, start, end) {
      const value = serdes.string.deserialize(bytes, start, end)
      decoded.push(value)
      return value
    },
    deserializeBatch: undefined,
  }
  const queueOf = (values: readonly (string | null)[]) => {
    decoded.length = 0
    const queue = partitionQueue({ source: sourceNode({ value: total }) })
    queue.append(wireBatch(values.map((value) => ({ value }))), 0)
    return queue
  }

  test('is decoded when somebody asks for it, and only the rows of the batch', () => {
    const queue = queueOf(['a', 'b', 'c'])
    expect(queue.countGood(10)).toBe(3)
    const batch = queue.peek(2, 'records', -1)
    expect(batch.length).toBe(2)
    expect(decoded).toEqual([])
    expect(batch.values).toEqual(['a', 'b'])
    expect(batch.record(1).value).toBe('b')
    expect(decoded).toEqual(['a', 'b'])
  })

  test('can be asked for over several wire batches, some of which had to be decoded at once', () => {
    const queue = queueOf(['a'])
    queue.append(wireBatch([{ value: 'b' }, { value: null }], { firstOffset: 1 }), 0)
    expect(queue.peek(2, 'records', -1).values).toEqual(['a', 'b'])
  })

  test('is refused once the pass is over, unless it was asked for before', () => {
    const queue = queueOf(['a', 'b'])
    const read = queue.peek(1, 'records', -1)
    expect(read.values).toEqual(['a'])
    queue.drop(1)
    expect(read.values).toEqual(['a'])
    const unread = queue.peek(1, 'records', -1)
    queue.drop(1)
    expect(() => unread.values).toThrow(/when its pass was over/)
  })

  test('is decoded at once where a null is among it that the serde refuses', () => {
    const queue = queueOf(['a', null, 'c'])
    expect(queue.countGood(10)).toBe(1)
    queue.drop(1)
    expect(queue.firstFailure()).toMatchObject({ code: 'RECORD_UNDECODABLE', offset: 1, part: 'value' })
  })

  test('is decoded at once for an extractor of timestamps', () => {
    const queue = partitionQueue({ source: sourceNode({ value: total, timestamp: ({ value }) => Number(value) }) })
    queue.append(wireBatch([{ value: '7' }]), 0)
    expect(queue.firstTimestamp).toBe(7)
  })

  test('fails with what names the record if its serde is wrong about that', () => {
    const wrong: Serde<unknown> = { ...total, deserialize: sourceNode().value.deserialize }
    const queue = partitionQueue({ source: sourceNode({ value: wrong }) })
    queue.append(wireBatch([{ value: 'a' }, { value: 'b' }, { value: 'bad!' }], { firstOffset: 5 }), 0)
    queue.drop(1)
    const batch = queue.peek(2, 'records', -1)
    const failure = { code: 'RECORD_UNDECODABLE', stage: 'source', topic: 'in', partition: 0, offset: 7, node: 'lines' }
    expect(() => batch.values).toThrow(expect.objectContaining(failure))
    expect(() => batch.values).toThrow("Source 'lines' can't decode the value (4 bytes) of in-0, offset 7: 'bad!' is refused")
  })
})
