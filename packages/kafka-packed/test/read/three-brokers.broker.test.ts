import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBroker } from '../../../../tools/broker/broker.mjs'
import { PackedReader, type ReaderOptions } from '../../src/index.ts'
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
  confluent = new Confluent(brokers.brokers)
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
    const written = confluent.write(topic, numbered(300, 300))
    await readUntil(reader, offsets, 600)
    await written
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

describe('GroupMember on three brokers', { timeout: LIMIT_MS }, () => {
  it.each(['classic', 'consumer'] as const)(
    'keeps its place, and commits, when the broker dies that looks after its %s group',
    async (groupProtocol) => {
      const topic = await confluent.topic(PARTITIONS, {}, NODES.length)
      const options = { groupProtocol, sessionTimeoutMs: LIMIT_MS, requestTimeoutMs: LIMIT_MS }
      await using recorded = await RecordedMember.open(confluent.addresses, options)
      recorded.member.subscribe([topic])
      await expect.poll(() => recorded.held.size, WAIT).toBe(PARTITIONS)
      const { generation, groupId } = recorded.member.metadata
      await recorded.member.commit([{ topic, partition: 0, offset: 1 }])

      const coordinator = await coordinatorOf(confluent.addresses, groupId)
      await brokers.kill(coordinator - 1)
      await recorded.member.commit([{ topic, partition: 0, offset: 2 }])
      expect(await coordinatorOf(confluent.addresses, groupId)).not.toBe(coordinator)
      await brokers.restart(coordinator - 1)
      expect(recorded.calls.length).toBe(1)
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
