import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { partitionForKey, type Serde, serdes, serializeColumn, silentLogger } from '@millrace/core'
import { memory } from '@millrace/transport-memory'
import { describe, expect, test } from 'vitest'
import { checkCommits, type Committing } from '../../src/kafka/check/check-commits.ts'
import { checkCounts } from '../../src/kafka/check/check-counts.ts'
import { checkMapped } from '../../src/kafka/check/check-mapped.ts'
import { checkState } from '../../src/kafka/check/check-state.ts'
import { commitIn } from '../../src/kafka/check/count-commits.ts'
import { countsOf, isKept, keyNumber, keyText, timeOf, valueText } from '../../src/kafka/input/input-shape.ts'

const shape = { records: 2_000, keys: 50, valueBytes: 40, partitions: 3 }

/** Keys, values, and which record of the input each comes of. */
type Records<V> = readonly (readonly [string, V, number?])[]

/** A topic that holds these records, each in the partition of its key. */
async function topicWith<V>(serde: Serde<V>, records: Records<V>, partitionOf: (key: string) => number = rightPartition) {
  const transport = memory()
  const context = { logger: silentLogger }
  await using admin = await transport.openAdmin(context)
  await admin.createTopics([{ topic: 'output', partitions: shape.partitions }])
  await using writer = await transport.openWriter({ clientId: 'test' }, context)
  await writer.writeBatch({
    topic: 'output',
    length: records.length,
    keys: serializeColumn(
      serdes.string,
      records.map(([key]) => key),
    ),
    values: serializeColumn(
      serde,
      records.map(([, value]) => value),
    ),
    timestamps: records.map(([, , index = -1]) => timeOf(index)),
    partitions: Int32Array.from(records, ([key]) => partitionOf(key)),
  })
  await writer.flush()
  return { transport, topic: 'output', partitions: shape.partitions, isolation: 'read-uncommitted' as const }
}

function rightPartition(key: string): number {
  return partitionForKey(Buffer.from(key), shape.partitions)
}

/** Each a partition further. */
function wrongPartition(key: string): number {
  return (rightPartition(key) + 1) % shape.partitions
}

/** What a right program writes: each key's counts. */
function rightCounts(): (readonly [string, number, number])[] {
  const counts = new Map<string, number>()
  return Array.from({ length: shape.records }, (_, index) => {
    const key = keyText(keyNumber(index, shape.keys))
    counts.set(key, (counts.get(key) ?? 0) + 1)
    return [key, counts.get(key) ?? 0, index] as const
  })
}

describe('the check of counts', () => {
  const right = rightCounts()
  const check = async (records: Records<number>, how: 'every-record' | 'ascending' | 'last' = 'every-record') =>
    checkCounts(await topicWith(serdes.safeInt64, records), shape, how)

  test('is content with what is right', async () => {
    await expect(check(right)).resolves.toMatchObject({ records: shape.records })
  })

  test('finds one record that was lost', async () => {
    await expect(check(right.toSpliced(700, 1))).rejects.toThrow(/goes from \d+ to \d+: a record is missing/)
  })

  test('finds that the last record of a key was lost', async () => {
    await expect(check(right.slice(0, -1))).rejects.toThrow(/ends with \d+ instead of \d+/)
  })

  test('finds one record that is there twice', async () => {
    await expect(check(right.toSpliced(700, 0, right[700]!))).rejects.toThrow('a record is there twice, or out of order')
  })

  test('finds two records of a key in the wrong order', async () => {
    const first = right.findIndex(([key]) => key === keyText(7))
    const second = right.findIndex(([key], i) => key === keyText(7) && i > first)
    const swapped = right.with(first, right[second]!).with(second, right[first]!)
    await expect(check(swapped)).rejects.toThrow(/goes from 0 to 2/)
    await expect(check(swapped, 'ascending')).rejects.toThrow('a record is there twice, or out of order')
  })

  test('finds a key that nobody wrote', async () => {
    await expect(check([...right, ['key-00000050', 1]])).rejects.toThrow("there is a key 'key-00000050', which nobody wrote")
  })

  test('finds an output that has not the time of its input', async () => {
    const [key, count, index] = right[700]!
    const late = right.with(700, [key, count, index + 1])
    await expect(check(late)).rejects.toThrow(`${key} has another time at ${count} than the record of the input`)
    await expect(check(late, 'ascending')).rejects.toThrow('another time')
    await expect(check(late, 'last')).resolves.toMatchObject({ records: shape.records })
  })

  test('finds a key in a partition that is not its own, in a changelog, too', async () => {
    const elsewhere = await topicWith(serdes.safeInt64, right, wrongPartition)
    await expect(checkCounts(elsewhere, shape, 'every-record')).rejects.toThrow(/key-\d+ is in partition \d/)
    await expect(checkCounts(elsewhere, shape, 'last')).rejects.toThrow(/key-\d+ is in partition \d/)
  })

  test('lets out numbers where an output stands for a batch, but not the last one', async () => {
    const sparse = right.filter(([key, count]) => count % 2 === 0 || count === right.findLast(([other]) => other === key)?.[1])
    await expect(check(sparse, 'ascending')).resolves.toMatchObject({ records: sparse.length })
    await expect(check(sparse.slice(0, -1), 'ascending')).rejects.toThrow(/ends with/)
  })

  test('looks at the last record of each key alone in a changelog, and finds one that is wrong or missing', async () => {
    const last = [...new Map(right.map(([key, count]) => [key, count]))]
    await expect(check(last, 'last')).resolves.toMatchObject({ records: shape.keys })
    await expect(check(last.slice(1), 'last')).rejects.toThrow(/ends with 0 instead of/)
    await expect(check([...last, [keyText(3), 1]], 'last')).rejects.toThrow(/key-00000003 ends with 1 instead of/)
  })
})

describe('the check of what was mapped', () => {
  const right = Array.from({ length: shape.records }, (_, index) => index)
    .filter((index) => isKept(valueText(index, shape.valueBytes)))
    .map((index) => [keyText(keyNumber(index, shape.keys)), valueText(index, shape.valueBytes).toUpperCase(), index] as const)
  const check = async (records: Records<string>) => checkMapped(await topicWith(serdes.string, records), shape)

  test('is content with what is right', async () => {
    await expect(check(right)).resolves.toMatchObject({ records: shape.records / 2 })
  })

  test('finds one record that was lost, one that is there twice, and one that was to be dropped', async () => {
    await expect(check(right.toSpliced(300, 1))).rejects.toThrow('record 600 is missing')
    await expect(check(right.toSpliced(300, 0, right[300]!))).rejects.toThrow('record 600 is there twice, or out of order')
    const dropped = [keyText(keyNumber(1_999, shape.keys)), valueText(1_999, shape.valueBytes).toUpperCase(), 1_999] as const
    await expect(check([...right, dropped])).rejects.toThrow('record 1999 is there, and should have been dropped')
  })

  test('finds a value or a key that is not what it should be', async () => {
    const [key, value, index] = right[0]!
    await expect(check(right.with(0, [key, value.toLowerCase(), index]))).rejects.toThrow('comes of no record')
    await expect(check(right.with(0, [keyText(49 - keyNumber(0, shape.keys)), value, index]))).rejects.toThrow('record 0 has the key')
    await expect(check(right.with(0, [key, value, 1]))).rejects.toThrow('record 0 has another time')
    const elsewhere = await topicWith(serdes.string, right, wrongPartition)
    await expect(checkMapped(elsewhere, shape)).rejects.toThrow(/record \d+ is in partition \d/)
  })
})

describe('the check of commits', () => {
  const right: Committing = {
    guarantee: 'exactly-once',
    offsets: [{ partition: 0, committed: 30, end: 30 }],
    output: [
      { records: 30, gaps: 80 },
      { records: 0, gaps: 0 },
    ],
  }

  test('is content with what is right', () => {
    expect(() => checkCommits(right)).not.toThrow()
  })

  test('finds offsets that are not committed', () => {
    const offsets = [{ partition: 2, committed: 29, end: 30 }]
    expect(() => checkCommits({ ...right, offsets })).toThrow('What was committed is wrong: partition 2 at 29 instead of 30.')
  })

  test('finds that a guarantee was not kept, or another one was', () => {
    const output = [{ records: 30, gaps: 0 }]
    expect(() => checkCommits({ ...right, output })).toThrow('output of exactly once is in no transaction')
    expect(() => checkCommits({ ...right, guarantee: 'at-least-once' })).toThrow('output of at least once is in transactions')
    expect(() => checkCommits({ ...right, guarantee: 'at-least-once', output })).not.toThrow()
  })
})

test('a commit is read as brokers keep it, and what they keep of members is none', () => {
  const text = (value: string) => Buffer.concat([Buffer.from([0, value.length]), Buffer.from(value)])
  const keyOf = (version: number) => Buffer.concat([Buffer.from([0, version]), text('group'), text('topic'), Buffer.from([0, 0, 0, 3])])
  const value = Buffer.from([0, 3, 0, 0, 0, 0, 0, 0, 1, 0, 255, 255, 255, 255])
  expect(commitIn(keyOf(1), value)).toEqual({ group: 'group', topic: 'topic', partition: 3, offset: 256n })
  expect(commitIn(keyOf(2), value)).toBeUndefined()
})

describe('the check of a store', () => {
  const counts = countsOf(shape)
  const right = [...counts].map((count, number) => `${keyText(number)}\t${count}\n`)

  const check = async (lines: readonly string[]) => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-check-'))
    try {
      await writeFile(join(folder, 'state.txt'), lines.join(''))
      await checkState(join(folder, 'state.txt'), counts)
    } finally {
      await rm(folder, { recursive: true })
    }
  }

  test('is content with what is right, in any order', async () => {
    await expect(check(right.toReversed())).resolves.toBeUndefined()
  })

  test('finds a wrong count, a key that is missing, one that is there twice, and one that nobody wrote', async () => {
    await expect(check(right.with(9, `${keyText(9)}\t1\n`))).rejects.toThrow(`'key-00000009' is 1 instead of ${counts[9]}`)
    await expect(check(right.toSpliced(9, 1))).rejects.toThrow("it does not hold 'key-00000009'")
    await expect(check([...right, right[9]!])).rejects.toThrow("it holds 'key-00000009' twice")
    await expect(check([...right, 'key-00000050\t1\n'])).rejects.toThrow("it holds 'key-00000050', which nobody wrote")
  })
})

test('an input has all its keys, about as often each', () => {
  const counts = countsOf({ ...shape, records: 50_000 })
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(50_000)
  expect(Math.min(...counts)).toBeGreaterThan(850)
  expect(Math.max(...counts)).toBeLessThan(1_150)
})

test.each([11, 12, 40, 1_000])('a value is as long as it is asked for: %d bytes', (bytes) => {
  expect(Buffer.byteLength(valueText(123, bytes))).toBe(bytes)
  expect(valueText(123, bytes).startsWith('0000000123 ')).toBe(true)
})
