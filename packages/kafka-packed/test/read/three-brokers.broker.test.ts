import { bytesAt, viewColumn } from '@millrace/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBroker } from '../../../../tools/broker/broker.mjs'
import { type PackedError, PackedReader, PackedWriter, type ReaderOptions, type WriterOptions } from '../../src/index.ts'
import { Confluent, type RawRecord } from '../support/confluent.ts'
import { coordinatorOf, RecordedMember } from '../support/group.ts'

const PARTITIONS = 3
const NODES = [1, 2, 3]
/** Neither of us gives up while the cluster chooses another leader. */
const LIMIT_MS = 120_000
const WAIT = { timeout: 60_000, interval: 20 }

let brokers: Awaited<ReturnType<typeof openBroker>>
let confluent: Confluent

beforeAll(async () => {
  // Nodes are killed: never those that somebody else has given.
  const { KAFKA_BROKERS: _given, ...env } = process.env
  brokers = await openBroker({ nodes: NODES.length, say: () => {} }, env)
  confluent = new Confluent(brokers.brokers, LIMIT_MS)
}, LIMIT_MS)

afterAll(async () => {
  await brokers.stop()
})

function numbered(from: number, count: number): RawRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    partition: i % PARTITIONS,
    key: null,
    value: Buffer.from(String(from + i)),
    timestamp: 1,
  }))
}

function open(options: Partial<ReaderOptions> = {}): Promise<PackedReader> {
  return PackedReader.open({ brokers: confluent.addresses, maxWaitMs: 100, connectTimeoutMs: 2_000, ...options })
}

/** Reads until there are so many in all, which come in order in each partition, none twice. */
async function readUntil(reader: PackedReader, offsets: Map<number, number>, total: number): Promise<void> {
  const sum = (): number => [...offsets.values()].reduce((all, next) => all + next, 0)
  while (sum() < total) {
    const { batches, failures } = await reader.poll(1_000, 1_000)
    expect(failures).toEqual([])
    for (const { partition, offsets: read } of batches) {
      for (const offset of read) {
        expect(offset).toBe(offsets.get(partition) ?? 0)
        offsets.set(partition, offset + 1)
      }
    }
  }
}

function allOf(topic: string): { topic: string; partition: number; offset: number }[] {
  return Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition, offset: 0 }))
}

describe('PackedReader on three brokers', { timeout: LIMIT_MS }, () => {
  it('reads on, each record once, while leaders move from one to another', async () => {
    const topic = await confluent.topic(PARTITIONS, {}, NODES.length)
    await using reader = await open()
    reader.assign(allOf(topic))
    const offsets = new Map<number, number>()
    await confluent.write(topic, numbered(0, 300))
    await readUntil(reader, offsets, 300)
    // Each partition is read from its own.
    expect(reader.statistics().fetched.size).toBe(NODES.length)

    await brokers.kill(0)
    await Promise.all([confluent.write(topic, numbered(300, 300)), readUntil(reader, offsets, 600)])
    await brokers.restart(0)
    await brokers.restart(1)
    await confluent.write(topic, numbered(600, 300))
    await readUntil(reader, offsets, 900)
  })

  it('reads from the replica in its rack, again when its time there is over, and from the leader when it is gone', async () => {
    const topic = await confluent.topic(PARTITIONS, {}, NODES.length)
    await using reader = await open({ rack: 'rack-3', metadataMaxAgeMs: 1_000 })
    reader.assign(allOf(topic))
    const offsets = new Map<number, number>()
    await confluent.write(topic, numbered(0, 300))
    await readUntil(reader, offsets, 300)
    const bytes = (node: number): number => reader.statistics().fetched.get(node)?.bytes ?? 0
    const answers = (node: number): number => reader.statistics().fetched.get(node)?.answers ?? 0
    expect([bytes(1), bytes(2)]).toEqual([0, 0])

    // The leaders are asked again where to read, and say so again.
    const before = [answers(1), answers(2)]
    while (answers(1) < (before[0] ?? 0) + 2 || answers(2) < (before[1] ?? 0) + 2) await reader.poll(1, 100)
    await confluent.write(topic, numbered(300, 300))
    await readUntil(reader, offsets, 600)
    expect([bytes(1), bytes(2)]).toEqual([0, 0])

    await brokers.kill(2)
    await confluent.write(topic, numbered(600, 300))
    await readUntil(reader, offsets, 900)
    expect(bytes(1) + bytes(2)).toBeGreaterThan(0)
    await brokers.restart(2)
  })
})

function write(writer: PackedWriter, topic: string, from: number, count: number): Promise<void> {
  const values = Array.from({ length: count }, (_, i) => Buffer.from(String(from + i)))
  const partitions = values.map((_, i) => (from + i) % PARTITIONS)
  return writer.write({ topic, length: count, keys: viewColumn(values), values: viewColumn(values), timestamps: partitions, partitions })
}

/** One transaction: again from its beginning until it is committed. */
async function writeOnce(writer: PackedWriter, topic: string, from: number, count: number): Promise<void> {
  for (;;) {
    writer.begin()
    try {
      await write(writer, topic, from, count)
      await writer.commit()
      return
    } catch (error) {
      if ((error as PackedError).kind !== 'abortable') throw error
      await writer.abort()
    }
  }
}

/** What each partition holds, in the order of its offsets. */
async function readValues(topic: string): Promise<number[][]> {
  await using reader = await open({ checkCrcs: true })
  reader.assign(allOf(topic))
  const read = Array.from({ length: PARTITIONS }, (): number[] => [])
  // Of everything that was written, committed or not.
  const ends = await reader.listOffsets(allOf(topic), 'end', 'read-uncommitted')
  while (reader.positions().some(({ offset }, i) => offset < (ends[i]?.offset ?? 0))) {
    const { batches, failures } = await reader.poll(1_000, 1_000)
    expect(failures).toEqual([])
    for (const { partition, length, values } of batches)
      for (let i = 0; i < length; i++) read[partition]?.push(Number(Buffer.from(bytesAt(values, i) ?? []).toString()))
  }
  return read
}

function numbers(count: number): number[][] {
  return Array.from({ length: PARTITIONS }, (_, partition) =>
    Array.from({ length: count }, (_value, i) => i).filter((i) => i % PARTITIONS === partition),
  )
}

describe('PackedWriter on three brokers', { timeout: 2 * LIMIT_MS }, () => {
  it('writes each record once and in order, in transactions and without, while a broker that leads is killed', async () => {
    const [plain, transactional] = [
      await confluent.topic(PARTITIONS, {}, NODES.length),
      await confluent.topic(PARTITIONS, {}, NODES.length),
    ]
    const options: WriterOptions = {
      brokers: confluent.addresses,
      batchBytes: 2_000,
      lingerMs: 0,
      connectTimeoutMs: 2_000,
      compression: 'lz4',
    }
    // As long as the test may take: nothing is given up because a cluster is slow.
    await using writer = await PackedWriter.open({ ...options, deliveryTimeoutMs: 2 * LIMIT_MS })
    await using transactions = await PackedWriter.open({ ...options, transactionalId: plain, transactionTimeoutMs: 2 * LIMIT_MS })
    let [written, committed] = [0, 0]
    const more = async (): Promise<void> => {
      for (let i = 0; i < 10; i++, written += 300) await write(writer, plain, written, 300)
    }
    const commit = async (): Promise<void> => {
      for (let i = 0; i < 3; i++, committed += 300) await writeOnce(transactions, transactional, committed, 300)
    }
    await Promise.all([more(), commit()])
    // Most of it is on its way.
    const underWay = [more(), commit()]
    await brokers.kill(0)
    await Promise.all(underWay)
    await Promise.all([more(), commit()])
    await brokers.restart(0)
    await Promise.all([more(), commit()])
    expect(await writer.flush()).toEqual([])
    expect(await readValues(plain)).toEqual(numbers(written))
    expect(await readValues(transactional)).toEqual(numbers(committed))
  })
})

describe('GroupMember on three brokers', { timeout: LIMIT_MS }, () => {
  it.each(['classic', 'consumer'] as const)(
    'keeps its place, and commits, when the broker dies that looks after its %s group',
    async (groupProtocol) => {
      const topic = await confluent.topic(PARTITIONS, {}, NODES.length)
      const options = { groupProtocol, sessionTimeoutMs: LIMIT_MS, requestTimeoutMs: LIMIT_MS }
      await using recorded = await RecordedMember.open(confluent.addresses, options)
      recorded.member.subscribe([topic])
      await expect.poll(() => recorded.held.size, WAIT).toBe(PARTITIONS)
      const calls = [...recorded.calls]
      const { generation, groupId } = recorded.member.metadata
      await recorded.member.commit([{ topic, partition: 0, offset: 1 }])

      const coordinator = await coordinatorOf(confluent.addresses, groupId)
      await brokers.kill(coordinator - 1)
      await recorded.member.commit([{ topic, partition: 0, offset: 2 }])
      // Not every broker knows it at once.
      await expect.poll(() => coordinatorOf(confluent.addresses, groupId), WAIT).not.toBe(coordinator)
      await brokers.restart(coordinator - 1)
      expect(recorded.calls).toEqual(calls)
      expect(recorded.member.metadata.generation).toBe(generation)
    },
  )

  it('gives up what it has, and has it again from another, when the broker stands still that looks after its group', async () => {
    const topic = await confluent.topic(PARTITIONS, {}, NODES.length)
    await using recorded = await RecordedMember.open(confluent.addresses, { sessionTimeoutMs: 6_000 })
    recorded.member.subscribe([topic])
    await expect.poll(() => recorded.held.size, WAIT).toBe(PARTITIONS)
    const coordinator = await coordinatorOf(confluent.addresses, recorded.member.metadata.groupId)
    await brokers.freeze(coordinator - 1)
    try {
      await expect.poll(() => recorded.calls[1], WAIT).toMatch(/^lost /)
      await expect.poll(() => recorded.held.size, WAIT).toBe(PARTITIONS)
      await recorded.member.commit([{ topic, partition: 0, offset: 1 }])
    } finally {
      await brokers.thaw(coordinator - 1)
    }
  })
})
