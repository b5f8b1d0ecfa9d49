import { bytesAt } from '@millrace/core'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import {
  COMPRESSIONS,
  PackedAdmin,
  type PackedError,
  PackedReader,
  type ReadFailure,
  type ReaderOptions,
  type ReadBatch,
} from '../../src/index.ts'
import { Confluent, type RawRead, type RawRecord } from '../support/confluent.ts'

const confluent = new Confluent(inject('kafkaBrokers'))
const PARTITIONS = 4

function open(options: Partial<ReaderOptions> = {}): Promise<PackedReader> {
  return PackedReader.open({ brokers: confluent.addresses, checkCrcs: true, maxWaitMs: 100, ...options })
}

function rows({ topic: _topic, partition, ...columns }: ReadBatch): RawRead[] {
  return Array.from({ length: columns.length }, (_, i) => ({
    partition,
    offset: columns.offsets[i] as number,
    timestamp: columns.timestamps[i] as number,
    key: copied(bytesAt(columns.keys, i)),
    value: copied(bytesAt(columns.values, i)),
    headers: columns.headers?.[i]?.map(({ key, value }) => ({ [key]: copied(value) ?? Buffer.alloc(0) })),
  }))
}

function copied(bytes: Uint8Array | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes)
}

/** Everything up to the ends of so many partitions. */
async function readToEnds(reader: PackedReader, partitions: number, maxRecords = 1_000): Promise<RawRead[]> {
  const read: RawRead[] = []
  const ended = new Set<number>()
  while (ended.size < partitions) {
    const { batches, ends, failures } = await reader.poll(maxRecords, 20_000)
    expect(failures).toEqual([])
    expect(batches.reduce((sum, { length }) => sum + length, 0)).toBeLessThanOrEqual(maxRecords)
    for (const batch of batches) {
      ended.delete(batch.partition)
      read.push(...rows(batch))
    }
    for (const { partition } of ends) ended.add(partition)
  }
  return read
}

/** The first records there are, past what is told of ends before they came. */
async function readFirst(reader: PackedReader): Promise<RawRead[]> {
  for (;;) {
    const { batches, failures } = await reader.poll(1_000, 20_000)
    expect(failures).toEqual([])
    if (batches.length > 0) return batches.flatMap(rows)
  }
}

function byPlace(records: readonly RawRead[]): RawRead[] {
  return records.toSorted((one, other) => one.partition - other.partition || one.offset - other.offset)
}

function plain(record: RawRead): object {
  const { partition, offset, timestamp, key, value, headers } = record
  return { partition, offset, timestamp, key, value, headers: (headers?.length ?? 0) === 0 ? undefined : headers }
}

function some(count: number, seed: number): RawRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    partition: (i * 7 + seed) % PARTITIONS,
    key: i % 5 === 0 ? null : Buffer.from(`key-${i % 13}`),
    value: i % 11 === 0 ? null : Buffer.from(i % 3 === 0 ? '' : `value-${seed}-${i} `.repeat((i % 40) + 1)),
    timestamp: 1_700_000_000_000 + i * 1_000,
    headers: i % 4 === 0 ? [{ one: Buffer.from(`h${i}`) }, { two: Buffer.from('') }] : undefined,
  }))
}

let topic: string

beforeAll(async () => {
  topic = await confluent.topic(PARTITIONS)
  for (const [seed, compression] of COMPRESSIONS.entries()) {
    await confluent.write(topic, some(400, seed), { 'compression.codec': compression, 'batch.num.messages': 20 + seed })
  }
  await confluent.transactions(topic, [
    [{ partition: 0, key: null, value: Buffer.from('committed'), timestamp: 5 }, 'commit'],
    [{ partition: 0, key: null, value: Buffer.from('aborted'), timestamp: 6 }, 'abort'],
    [{ partition: 1, key: null, value: Buffer.from('aborted'), timestamp: 7 }, 'abort'],
    [{ partition: 0, key: null, value: Buffer.from('committed, too'), timestamp: 8 }, 'commit'],
  ])
})

describe('PackedReader', () => {
  it('reads what the confluent client reads of the same bytes, of every compression and transactions, in order', async () => {
    const expected = await confluent.read(topic, PARTITIONS, 5 * 400 + 2)
    await using reader = await open()
    reader.assign(Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition, offset: 0 })))
    const read = await readToEnds(reader, PARTITIONS, 77)
    expect(byPlace(read).map(plain)).toEqual(expected.map(plain))
    // Markers and what was aborted are passed, too.
    const ends = await reader.listOffsets(reader.positions(), 'end')
    expect(reader.positions()).toEqual(ends.map((end) => ({ ...end, leaderEpoch: 0 })))
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const offsets = read.filter((one) => one.partition === partition).map(({ offset }) => offset)
      expect(offsets).toEqual(offsets.toSorted((one, other) => one - other))
    }

    await using uncommitted = await open({ isolation: 'read-uncommitted' })
    uncommitted.assign([{ topic, partition: 1, offset: 0 }])
    const all = await readToEnds(uncommitted, 1)
    expect(all.filter(({ value }) => value?.toString() === 'aborted')).toHaveLength(1)
  })

  it('reads on where it was sought, nothing while it is paused, and through small bounds', async () => {
    await using reader = await open({ maxPartitionBytes: 2_000, maxFetchBytes: 3_000, maxBufferedBytes: 4_000 })
    reader.assign([
      { topic, partition: 2, offset: 10 },
      { topic, partition: 3, offset: 0 },
    ])
    reader.pause([{ topic, partition: 3 }])
    const first = await readToEnds(reader, 1, 30)
    expect(new Set(first.map(({ partition }) => partition))).toEqual(new Set([2]))
    expect(first.map(({ offset }) => offset)).toEqual(Array.from({ length: first.length }, (_, i) => i + 10))
    reader.resume([{ topic, partition: 3 }])
    const second = await readToEnds(reader, 1, 30)
    expect(second.every(({ partition }) => partition === 3)).toBe(true)
    expect(second[0]?.offset).toBe(0)
    reader.seek([{ topic, partition: 2, offset: 490 }])
    expect((await readToEnds(reader, 1)).map(({ partition, offset }) => [partition, offset])).toEqual(
      first.filter(({ offset }) => offset >= 490).map(({ partition, offset }) => [partition, offset]),
    )
    reader.unassign([{ topic, partition: 2 }])
    expect(reader.positions().map(({ partition }) => partition)).toEqual([3])
  })

  it('finds offsets by time, the end where no record is young enough', async () => {
    await using reader = await open()
    const asked = [{ topic, partition: 0 }]
    const [end] = await reader.listOffsets(asked, 'end')
    expect(await reader.listOffsets(asked, 'beginning')).toEqual([{ topic, partition: 0, offset: 0 }])
    expect(await reader.listOffsets(asked, 1_700_000_100_000)).toEqual([{ topic, partition: 0, offset: 25 }])
    expect(await reader.listOffsets(asked, 4_000_000_000_000)).toEqual([end])
  })

  it('says where a partition can not be read, once, and goes on with the others and where it is sought', async () => {
    await using reader = await open()
    reader.assign([
      { topic, partition: 0, offset: 1_000_000 },
      // As if it had read more than the log has of this epoch.
      { topic, partition: 1, offset: 100_000, leaderEpoch: 0 },
      { topic, partition: 2, offset: 0 },
    ])
    const failures: ReadFailure[] = []
    let records = 0
    for (let isAtEnd = false; !isAtEnd || failures.length < 2;) {
      const polled = await reader.poll(10_000, 20_000)
      failures.push(...polled.failures)
      records += polled.batches.reduce((sum, { length }) => sum + length, 0)
      isAtEnd ||= polled.ends.length > 0
    }
    expect(records).toBe(500)
    expect(new Map(failures.map(({ partition, error }) => [partition, error.kind]))).toEqual(
      new Map([
        [0, 'offset-out-of-range'],
        [1, 'truncated'],
      ]),
    )
    expect((await reader.poll(10, 300)).failures).toEqual([])
    reader.seek([{ topic, partition: 0, offset: 499 }])
    expect((await readToEnds(reader, 1)).map(({ offset }) => offset)[0]).toBe(499)
  })

  it('waits for a topic that is created while it is read', async () => {
    await using reader = await open()
    await using other = await open()
    const { name, create } = confluent.later(1)
    reader.assign([{ topic: name, partition: 0, offset: 0 }])
    const offsets = other.listOffsets([{ topic: name, partition: 0 }], 'end')
    expect(await reader.poll(10, 300)).toEqual({ batches: [], ends: [], failures: [] })
    await create()
    await confluent.write(name, [{ partition: 0, key: null, value: Buffer.from('first'), timestamp: 1 }])
    expect((await readFirst(reader)).map(({ value }) => value?.toString())).toEqual(['first'])
    expect((await offsets).map(({ partition }) => partition)).toEqual([0])
  })

  it('does not read on in a topic that was deleted and made anew, until it is sought there', async () => {
    await using admin = await PackedAdmin.open({ brokers: confluent.addresses })
    const { name, create } = confluent.later(1)
    const write = (...texts: string[]): Promise<void> =>
      confluent.write(
        name,
        texts.map((text) => ({ partition: 0, key: null, value: Buffer.from(text), timestamp: 1 })),
      )
    await create()
    await write('a', 'b')
    await using reader = await open()
    const start = [{ topic: name, partition: 0, offset: 0 }]
    reader.assign(start)
    expect((await readToEnds(reader, 1)).map(({ value }) => value?.toString())).toEqual(['a', 'b'])
    await admin.deleteTopic(name)
    // Until the broker has heard of that, it takes what is written for the topic that was.
    await expect.poll(() => admin.describeTopics([name]), { timeout: 60_000 }).toEqual([])
    await create()
    await write('c', 'd', 'e')
    const told: ReadFailure[] = []
    while (told.length === 0) {
      const { batches, failures } = await reader.poll(10, 1_000)
      expect(batches).toEqual([])
      told.push(...failures)
    }
    expect(told).toMatchObject([{ partition: 0, error: { kind: 'truncated', message: expect.stringContaining('anew') as string } }])
    reader.seek(start)
    expect((await readToEnds(reader, 1)).map(({ value }) => value?.toString())).toEqual(['c', 'd', 'e'])
  })

  it('tries each address, says when none answers, and ends a poll under way when it is closed', async () => {
    const nobody = { host: '127.0.0.1', port: 1 }
    await using reader = await open({ brokers: [nobody, ...confluent.addresses] })
    reader.assign([{ topic, partition: 0, offset: 100_000_000 }])
    reader.pause([{ topic, partition: 0 }])
    const polled = reader.poll(1, 60_000).catch((error: unknown) => (error as PackedError).kind)
    await reader.close()
    expect(await polled).toBe('closed')
    await expect(open({ brokers: [nobody] })).rejects.toMatchObject({ kind: 'unreachable', retriable: true })
  })
})
