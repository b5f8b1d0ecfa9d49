import { viewColumn, type WireBatch } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { ReadPartitions, startAt } from '../../src/source/read-partition.ts'
import { Shelf } from '../../src/source/shelf.ts'

function batch(partition: number, first: number, length: number, released: string[] = []): WireBatch {
  const rows = Array.from({ length }, (_, i) => Buffer.from(String(first + i)))
  return {
    topic: 't',
    partition,
    length,
    keys: viewColumn(rows),
    values: viewColumn(rows),
    timestamps: new Float64Array(length),
    offsets: Float64Array.from(rows, Number),
    release: () => void released.push(`${partition}:${first}`),
  }
}

function shelfOf(...numbers: readonly number[]) {
  const partitions = new ReadPartitions()
  for (const partition of numbers) {
    const read = partitions.add({ topic: 't', partition })
    read.paused = false
    startAt(read, 0)
  }
  const shelf = new Shelf(partitions)
  const file = (...batches: readonly WireBatch[]) => shelf.file({ batches, ends: [], records: 0 })
  const end = (partition: number, offset: number) => shelf.file({ batches: [], ends: [{ topic: 't', partition, offset }], records: 0 })
  const read = (partition: number) => partitions.get({ topic: 't', partition })!
  return { partitions, shelf, file, end, read }
}

function taken({ batches }: { readonly batches: readonly WireBatch[] }): readonly string[] {
  return batches.map(({ partition, offsets, length }) => `${partition}:${offsets[0]}-${offsets[length - 1]}`)
}

describe('what has been fetched', () => {
  test('is handed out in the order it came, as much as a poll may take', () => {
    const { shelf, file } = shelfOf(0, 1)
    file(batch(0, 0, 3), batch(1, 0, 3))
    file(batch(0, 3, 3))
    expect(taken(shelf.take(7))).toEqual(['0:0-2', '1:0-2'])
    expect(shelf.hasAny).toBe(true)
    expect(taken(shelf.take(1))).toEqual(['0:3-5'])
    expect(shelf.hasAny).toBe(false)
    expect(taken(shelf.take(7))).toEqual([])
  })

  test('waits while its partition is paused, and keeps its place', () => {
    const { shelf, file, read } = shelfOf(0, 1)
    read(0).paused = true
    file(batch(0, 0, 2), batch(1, 0, 2), batch(0, 2, 2))
    expect(taken(shelf.take(10))).toEqual(['1:0-1'])
    expect(shelf.hasAny).toBe(false)
    expect(shelf.paused()).toEqual({ records: 4, bytes: 8 })
    read(0).paused = false
    expect(taken(shelf.take(10))).toEqual(['0:0-1', '0:2-3'])
  })

  test('is dropped, and released, when the partition is given up, leaves, is unknown, or was not begun', () => {
    const { partitions, shelf, file, read } = shelfOf(0, 1)
    const released: string[] = []
    partitions.add({ topic: 't', partition: 2 })
    file(batch(0, 0, 2, released), batch(1, 0, 2), batch(2, 0, 2, released), batch(9, 0, 2, released))
    shelf.drop([
      { topic: 't', partition: 0 },
      { topic: 't', partition: 9 },
    ])
    read(0).leaving = true
    file(batch(0, 2, 2, released))
    expect(taken(shelf.take(10))).toEqual(['1:0-1'])
    expect(released).toEqual(['2:0', '9:0', '0:0', '0:2'])
  })

  test('is handed out once, even if the client gives it again', () => {
    const { shelf, file, read } = shelfOf(0)
    const released: string[] = []
    file(batch(0, 0, 3), batch(0, 1, 2, released), batch(0, 2, 3))
    expect(taken(shelf.take(10))).toEqual(['0:0-2', '0:3-4'])
    expect(released).toEqual(['0:1'])
    expect(read(0).position).toBe(5)
  })
})

describe('the end of a partition', () => {
  test('is told once, after what comes before it', () => {
    const { shelf, file, end, read } = shelfOf(0)
    file(batch(0, 0, 3), batch(0, 3, 2))
    end(0, 5)
    expect(shelf.take(3).ends).toEqual([])
    expect(shelf.take(3).ends).toEqual([{ topic: 't', partition: 0, offset: 5 }])
    end(0, 5)
    expect(shelf.hasAny).toBe(false)
    expect(read(0).atEnd).toBe(true)
    file(batch(0, 5, 1))
    end(0, 6)
    expect(shelf.take(3).ends).toEqual([{ topic: 't', partition: 0, offset: 6 }])
  })

  test('may lie behind records that are hidden', () => {
    const { shelf, file, end, read } = shelfOf(0)
    file(batch(0, 0, 1))
    end(0, 9)
    expect(shelf.take(3).ends).toEqual([{ topic: 't', partition: 0, offset: 9 }])
    expect(read(0).position).toBe(9)
  })

  test('is not told of an earlier position, while paused, or of what is not read', () => {
    const { shelf, end, read } = shelfOf(0)
    startAt(read(0), 4)
    end(0, 3)
    end(7, 3)
    expect(shelf.hasAny).toBe(false)
    read(0).paused = true
    end(0, 4)
    expect(shelf.take(3).ends).toEqual([])
    read(0).paused = false
    expect(shelf.take(3).ends).toEqual([{ topic: 't', partition: 0, offset: 4 }])
  })

  test('is told anew after a seek', () => {
    const { shelf, end, read } = shelfOf(0)
    end(0, 4)
    shelf.take(3)
    startAt(read(0), 4)
    end(0, 4)
    expect(shelf.take(3).ends).toHaveLength(1)
  })
})
