import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { allEntries, int64, PartitionCounts } from '../../src/kafka/programs/partition-counts.ts'

const KEPT = 4

describe('the counts that loops by hand keep', () => {
  let folder: string
  let counts: PartitionCounts

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-counts-'))
    counts = await PartitionCounts.open(folder, 1, KEPT)
  })

  afterEach(async () => {
    await counts.close()
    await rm(folder, { recursive: true })
  })

  /** Keys of one letter. */
  const meet = async (keys: string) => {
    const found = Array.from(keys, (key) => counts.find(key))
    await counts.load()
    found.forEach((count, i) => counts.increment(count, i))
    return found.map(({ value }) => value)
  }
  const stored = async () => {
    const entries: (readonly [string, number])[] = []
    for await (const entry of allEntries([counts])) entries.push(entry)
    return Object.fromEntries(entries)
  }

  test('go on from what is stored, when a key has been forgotten meanwhile', async () => {
    for (let round = 1; round <= 3; round++) {
      for (const keys of ['abc', 'def', 'ghi', 'jkl']) {
        expect(await meet(keys)).toEqual([round, round, round])
        await counts.save()
      }
    }
    expect(await stored()).toEqual(Object.fromEntries(Array.from('abcdefghijkl', (key) => [key, 3])))
  })

  test('are stored when they are saved, and not before; what is not saved is not forgotten', async () => {
    await meet('aabcdefgh')
    expect(await meet('ab')).toEqual([3, 2])
    expect(await stored()).toEqual({})
    expect(counts.changed.map(({ key, value }) => [key, value])).toEqual([['a', 3], ['b', 2], ...Array.from('cdefgh', (key) => [key, 1])])
    await counts.save()
    expect(counts.changed).toEqual([])
    expect(await stored()).toMatchObject({ a: 3, b: 2, h: 1 })
  })

  test('are what a changelog says, the last of each key, and nothing of what the folder held', async () => {
    await meet('old')
    await counts.save()
    await counts.close()
    counts = await PartitionCounts.open(folder, 1, KEPT)
    const record = (key: string, value: number | null) => ({
      key: Buffer.from(key),
      value: value === null ? null : int64(Buffer.alloc(8), value),
    })
    await counts.restore([record('ä', 7), record('ä', 2 ** 40 + 1), record('gone', 1), record('gone', null)])
    expect(await stored()).toEqual({ ä: 2 ** 40 + 1 })
    expect(await meet('ä')).toEqual([2 ** 40 + 2])
  })
})
