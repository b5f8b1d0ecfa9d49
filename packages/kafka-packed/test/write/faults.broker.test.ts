import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { viewColumn } from '@millrace/core'
import { openBroker } from '../../../../tools/broker/broker.mjs'
import { PackedWriter, type WriterOptions } from '../../src/index.ts'
import { Confluent } from '../support/confluent.ts'
import { CuttingProxy } from '../support/cutting-proxy.ts'
import { RecordedMember } from '../support/group.ts'

const PARTITIONS = 3
const LIMIT_MS = 120_000
const WAIT = { timeout: 60_000, interval: 20 }

let brokers: Awaited<ReturnType<typeof openBroker>>
let proxy: CuttingProxy
let confluent: Confluent

beforeAll(async () => {
  // Nodes are killed: never those that somebody else has given.
  const { KAFKA_BROKERS: _given, ...env } = process.env
  proxy = await CuttingProxy.open()
  brokers = await openBroker({ nodes: 1, proxyPorts: [proxy.port], say: () => {} }, env)
  proxy.target = brokers.proxied[0]
  confluent = new Confluent(brokers.brokers)
}, LIMIT_MS)

afterAll(async () => {
  await brokers.stop()
  await proxy[Symbol.asyncDispose]()
})

function open(options: Partial<WriterOptions> = {}): Promise<PackedWriter> {
  const brokers = [{ host: '127.0.0.1', port: proxy.port }]
  return PackedWriter.open({ brokers, batchBytes: 2_000, lingerMs: 0, connectTimeoutMs: 2_000, ...options })
}

function write(writer: PackedWriter, topic: string, from: number, count: number): Promise<void> {
  const values = Array.from({ length: count }, (_, i) => Buffer.from(String(from + i)))
  const partitions = values.map((_, i) => (from + i) % PARTITIONS)
  return writer.write({ topic, length: count, keys: viewColumn(values), values: viewColumn(values), timestamps: partitions, partitions })
}

/** Those of each partition, in the order they are there. */
async function written(topic: string, count: number): Promise<number[][]> {
  const read = await confluent.read(topic, PARTITIONS, count)
  return Array.from({ length: PARTITIONS }, (_, partition) =>
    read.filter((one) => one.partition === partition).map(({ value }) => Number(value?.toString())),
  )
}

function numbers(count: number): number[][] {
  return Array.from({ length: PARTITIONS }, (_, partition) =>
    Array.from({ length: count }, (_value, i) => i).filter((i) => i % PARTITIONS === partition),
  )
}

describe('PackedWriter', { timeout: LIMIT_MS }, () => {
  it('writes each record once and in order while connections break under requests, and a broker dies and comes back', async () => {
    const topic = await confluent.topic(PARTITIONS)
    await using writer = await open()
    let from = 0
    const more = async (): Promise<void> => {
      for (let i = 0; i < 5; i++) {
        await write(writer, topic, from, 600)
        from += 600
      }
    }
    await more()
    proxy.every = 7
    while (proxy.cuts < 10) {
      await more()
      await writer.flush()
    }
    proxy.every = 0
    proxy.cut()
    await more()
    await brokers.kill(0)
    await more()
    await brokers.restart(0)
    await more()
    expect(await writer.flush()).toEqual([])
    expect(await written(topic, from)).toEqual(numbers(from))
  })

  it('says what could not be delivered in time, by partition, and goes on', async () => {
    const topic = await confluent.topic(PARTITIONS)
    // Enough for a broker that has only just come back: what is to be delivered has no longer.
    await using writer = await open({ deliveryTimeoutMs: 10_000 })
    await write(writer, topic, 0, 3)
    expect(await writer.flush()).toEqual([])
    proxy.target = undefined
    proxy.cut()
    await write(writer, topic, 3, 3)
    const failures = await writer.flush()
    expect(failures.map(({ partition, records, error }) => [partition, records, error.kind])).toEqual(
      expect.arrayContaining([0, 1, 2].map((partition) => [partition, 1, 'timed-out'])),
    )
    proxy.target = brokers.proxied[0]
    await write(writer, topic, 6, 3)
    expect(await writer.flush()).toEqual([])
    const values = await written(topic, 6)
    expect(values.map((of) => of.filter((value) => value < 3 || value > 5))).toEqual([
      [0, 6],
      [1, 7],
      [2, 8],
    ])
  })
})

describe('GroupMember', { timeout: LIMIT_MS }, () => {
  it('keeps its place while connections break and its broker is away, and commits when it is back', async () => {
    const topic = await confluent.topic(PARTITIONS)
    const options = { sessionTimeoutMs: LIMIT_MS, requestTimeoutMs: LIMIT_MS, heartbeatIntervalMs: 20 }
    await using recorded = await RecordedMember.open([{ host: '127.0.0.1', port: proxy.port }], options)
    recorded.member.subscribe([topic])
    await expect.poll(() => recorded.held.size, WAIT).toBe(PARTITIONS)
    // Not before: who does not hear who he is in his group comes as another, and the group waits for both for as long as a session.
    proxy.every = 5
    proxy.cuts = 0
    await expect.poll(() => proxy.cuts > 10, WAIT).toBe(true)
    const calls = recorded.calls.length
    proxy.every = 0
    proxy.target = undefined
    proxy.cut()
    const committed = recorded.member.commit([{ topic, partition: 0, offset: 7 }])
    proxy.target = brokers.proxied[0]
    await committed
    expect(await recorded.member.committed([{ topic, partition: 0 }], true)).toEqual([{ topic, partition: 0, offset: 7 }])
    expect(recorded.calls.length).toBe(calls)
    expect(recorded.calls.filter((call) => call.startsWith('lost'))).toEqual([])
  })
})
