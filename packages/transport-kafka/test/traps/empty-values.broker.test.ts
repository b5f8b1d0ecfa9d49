import { bytesAt, type WireBatch } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { producible } from '../../src/confluent/producible.ts'
import { batchOf, Cluster, pollBatches, until } from '../support/cluster.ts'
import { flush, messagesOf, RawClients } from '../support/raw-clients.ts'

/** Byte lengths; null for null. */
function lengthOf(bytes: Uint8Array | null): number | null {
  return bytes === null ? null : bytes.byteLength
}

function rowsOf(batch: WireBatch): (number | null)[][] {
  return Array.from({ length: batch.length }, (_, i) => [lengthOf(bytesAt(batch.keys, i)), lengthOf(bytesAt(batch.values, i))])
}

describe('the client', () => {
  test.each([
    ['Buffer.alloc(0)', Buffer.alloc(0)],
    ["Buffer.from('')", Buffer.from('')],
    ['new Uint8Array(0)', new Uint8Array(0)],
  ])('writes %s as null: an empty value would be a tombstone', async (_, empty) => {
    await using cluster = new Cluster({ client: 'confluent' })
    await using raw = new RawClients()
    const topic = await cluster.topic()
    const producer = await raw.producer()
    producer.produce(topic, 0, empty, empty)
    producer.produce(topic, 0, producible(empty), producible(empty))
    await flush(producer)
    const messages = await messagesOf(raw, topic, 2)
    expect(messages.map(({ key, value }) => [lengthOf(key), lengthOf(value)])).toEqual([
      [null, null],
      [0, 0],
    ])
  })

  test.each([
    ['a value that is undefined', [undefined], 'Message must be a buffer or null'],
    ['a value that is a string', ['text'], 'Message must be a buffer or null'],
    ['a time that is a bigint', [Buffer.from('v'), null, 1n], 'Timestamp must be a number'],
  ])('throws for %s, and writes nothing', async (_, parameters, message) => {
    await using cluster = new Cluster({ client: 'confluent' })
    await using raw = new RawClients()
    const topic = await cluster.topic()
    const producer = await raw.producer()
    const [value, key, timestamp] = parameters
    expect(() => producer.produce(topic, 0, value, key, timestamp)).toThrow(message)
    producer.produce(topic, 0, Buffer.from('next'))
    await flush(producer)
    expect((await messagesOf(raw, topic, 1)).map((one) => String(one.value))).toEqual(['next'])
  })

  test('cuts a key given as a string at its first zero', async () => {
    await using cluster = new Cluster({ client: 'confluent' })
    await using raw = new RawClients()
    const topic = await cluster.topic()
    const producer = await raw.producer()
    producer.produce(topic, 0, Buffer.from('v'), 'a\0b')
    producer.produce(topic, 0, Buffer.from('v'), Buffer.from('a\0b'))
    await flush(producer)
    const messages = await messagesOf(raw, topic, 2)
    expect(messages.map(({ key }) => String(key))).toEqual(['a', 'a\0b'])
  })
})

describe.each(['confluent', 'packed'] as const)('the transport, by the client %s,', (client) => {
  test('writes and reads an empty value, and a tombstone, as what they are, whatever holds the empty bytes', async () => {
    await using cluster = new Cluster({ client })
    const topic = await cluster.topic()
    const empties = [Buffer.alloc(0), Buffer.from(''), new Uint8Array(0), Buffer.from('x').subarray(1)]
    const writer = await cluster.writer()
    await writer.writeBatch(batchOf(topic, [...empties.map((value) => ({ key: 'k', value })), { key: 'k', value: null }, { key: '' }]))
    const packed = { form: 'packed', length: 2, bytes: new Uint8Array(0), starts: [0, 0], ends: [0, -1] } as const
    await writer.writeBatch({ topic, length: 2, keys: packed, values: packed, timestamps: [Date.now(), Date.now()] })
    expect(await writer.flush()).toEqual([])
    const source = await cluster.source()
    await source.assign([{ topic, partition: 0, offset: 0 }])
    const rows: (number | null)[][] = []
    await until('all are read', async () => {
      for (const batch of await pollBatches(source)) rows.push(...rowsOf(batch))
      return rows.length >= 8
    })
    expect(rows).toEqual([
      [1, 0],
      [1, 0],
      [1, 0],
      [1, 0],
      [1, null],
      [0, null],
      [0, 0],
      [null, null],
    ])
  })

  test('keeps zeros in keys and values', async () => {
    await using cluster = new Cluster({ client })
    const topic = await cluster.topic()
    await cluster.write(topic, [{ key: 'a\0b', value: '\0' }])
    const source = await cluster.source()
    await source.assign([{ topic, partition: 0, offset: 0 }])
    let batch: WireBatch | undefined
    await until('it is read', async () => {
      ;[batch] = await pollBatches(source)
      return batch !== undefined
    })
    expect(rowsOf(batch as WireBatch)).toEqual([[3, 1]])
  })
})
