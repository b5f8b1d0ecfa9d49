import { bytesAt, type WireBatch } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import type { RawError } from '../../src/confluent/raw-api.ts'
import { batchOf, Cluster, pollBatches, readValues, until } from '../support/cluster.ts'
import { flush, messagesOf, RawClients, type TrappedProducer } from '../support/raw-clients.ts'

const QUEUE_FULL = -184
const MESSAGE_TOO_LARGE = 10
const REPORTS = { dr_cb: true, 'delivery.report.only.error': true }

interface Report {
  readonly error: RawError | null
  readonly topic: string
  readonly partition: number
}

/** Bytes that no compression makes small. */
function noise(length: number): Uint8Array {
  return new Uint8Array(length).map((_, i) => Math.imul(i, 0x9e3779b1) >>> 24)
}

function reportsOf(producer: TrappedProducer): Report[] {
  const reports: Report[] = []
  producer.on('delivery-report', (error: RawError | null, { topic, partition }: Report) => reports.push({ error, topic, partition }))
  return reports
}

describe('the client', () => {
  test('throws where its queue is full, and takes what it refused when there is room', async () => {
    await using cluster = new Cluster({ client: 'confluent' })
    await using raw = new RawClients()
    const topic = await cluster.topic()
    const producer = await raw.producer({ 'queue.buffering.max.messages': 2, 'linger.ms': 5_000 })
    for (const value of ['0', '1']) producer.produce(topic, 0, Buffer.from(value))
    expect(() => producer.produce(topic, 0, Buffer.from('2'))).toThrow(expect.objectContaining({ code: QUEUE_FULL }))
    await flush(producer)
    producer.produce(topic, 0, Buffer.from('2'))
    await flush(producer)
    expect((await messagesOf(raw, topic, 3)).map(({ value }) => String(value))).toEqual(['0', '1', '2'])
  })

  test('calls a flush a success that gave records up, and reports those, and only those', async () => {
    await using cluster = new Cluster({ client: 'confluent' })
    await using raw = new RawClients()
    const topic = await cluster.topic(1, { 'max.message.bytes': '500' })
    const producer = await raw.producer(REPORTS)
    const reports = reportsOf(producer)
    producer.produce(topic, 0, Buffer.from('fits'))
    // Or they would share a batch, which is refused as a whole.
    await flush(producer)
    producer.produce(topic, 0, noise(600))
    await flush(producer)
    await until('something is reported', () => reports.length > 0)
    expect(reports).toMatchObject([{ error: { code: MESSAGE_TOO_LARGE }, topic, partition: 0 }])
  })

  test('spreads keys over partitions otherwise than Java does, unless told to', async () => {
    await using cluster = new Cluster({ client: 'confluent' })
    await using raw = new RawClients()
    const topic = await cluster.topic(2)
    const keys = Array.from({ length: 20 }, (_, i) => Buffer.from(`key-${i}`))
    const producer = await raw.producer()
    for (const key of keys) producer.produce(topic, -1, Buffer.from('client'), key)
    await flush(producer)
    await cluster.write(
      topic,
      keys.map((key) => ({ key: String(key), value: 'transport' })),
    )
    const source = await cluster.source()
    await source.assign([0, 1].map((partition) => ({ topic, partition, offset: 0 })))
    const places = new Map<string, Set<number>>()
    let read = 0
    await until('all is read', async () => {
      for (const batch of await pollBatches(source)) {
        read += batch.length
        for (const key of keysOf(batch)) places.set(key, (places.get(key) ?? new Set()).add(batch.partition))
      }
      return read === 2 * keys.length
    })
    expect([...places.values()].some(({ size }) => size === 2)).toBe(true)
  })
})

function keysOf({ keys, length }: WireBatch): string[] {
  return Array.from({ length }, (_, i) => Buffer.from(bytesAt(keys, i) ?? []).toString())
}

const SMALL_QUEUES = {
  confluent: [{ 'queue.buffering.max.messages': 10 }, { 'queue.buffering.max.kbytes': 1, 'message.max.bytes': 1_000 }],
  packed: [{ 'queue.buffering.max.kbytes': 1, 'message.max.bytes': 1_000 }],
}

describe.each(['confluent', 'packed'] as const)('the transport, by the client %s,', (client) => {
  test('waits where the queue of the client is full, in records or in bytes, and tells no failure', async () => {
    for (const limit of SMALL_QUEUES[client]) {
      await using cluster = new Cluster({ client, producer: { 'linger.ms': 0, ...limit } })
      const topic = await cluster.topic()
      const rows = Array.from({ length: 500 }, (_, i) => ({ value: `${i}${'.'.repeat(100)}` }))
      const writer = await cluster.writer()
      await writer.writeBatch(batchOf(topic, rows))
      expect(await writer.flush()).toEqual([])
      const source = await cluster.source()
      await source.assign([{ topic, partition: 0, offset: 0 }])
      expect(await readValues(source, rows.length)).toEqual(rows.map(({ value }) => value))
    }
  })

  test('tells of records that the broker refused by topic and partition when it is flushed, with what was lost of those that shared their batch', async () => {
    await using cluster = new Cluster({ client })
    const topic = await cluster.topic(3, { 'max.message.bytes': '500' })
    const writer = await cluster.writer()
    const large = noise(600)
    const rows = [
      { value: 'shares the batch', partition: 0 },
      { value: large, partition: 0 },
      { value: large, partition: 1 },
      { value: 'fits', partition: 2 },
    ]
    await writer.writeBatch(batchOf(topic, rows))
    const failures = await writer.flush()
    const at = (partition: number) => ({ topic, partition, error: { code: 'RECORD_TOO_LARGE', retryable: false, topic, partition } })
    // The packed client takes refused batches apart.
    const lost = { confluent: [at(0), at(0), at(1)], packed: [at(0), at(1)] }[client]
    expect(failures.toSorted((a, b) => a.partition - b.partition)).toMatchObject(lost)
    expect(failures).toHaveLength(lost.length)
    expect(await writer.flush()).toEqual([])
    const source = await cluster.source()
    await source.assign([0, 1, 2].map((partition) => ({ topic, partition, offset: 0 })))
    const written = { confluent: ['fits'], packed: ['fits', 'shares the batch'] }[client]
    expect((await readValues(source, written.length)).toSorted()).toEqual(written)
  })
})
