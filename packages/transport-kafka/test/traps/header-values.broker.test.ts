import type { Headers, WireBatch } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { producibleHeaders } from '../../src/confluent/producible.ts'
import { batchOf, Cluster, pollBatches, until, valuesOf } from '../support/cluster.ts'
import { flush, messagesOf, RawClients } from '../support/raw-clients.ts'

const VALUE = Buffer.from('v')

async function firstBatch(cluster: Cluster, topic: string): Promise<WireBatch> {
  const source = await cluster.source()
  await source.assign([{ topic, partition: 0, offset: 0 }])
  let batch: WireBatch | undefined
  await until('it is read', async () => {
    ;[batch] = await pollBatches(source)
    return batch !== undefined
  })
  return batch as WireBatch
}

describe('the client', () => {
  test.each([
    ['null', null],
    ['a number', 7],
  ])('throws for a header that is %s, and writes the record all the same', async (_, value) => {
    await using cluster = new Cluster({ client: 'confluent' })
    await using raw = new RawClients()
    const topic = await cluster.topic()
    const producer = await raw.producer()
    expect(() => producer.produce(topic, 0, Buffer.from('refused'), null, undefined, undefined, [{ h: value }])).toThrow(
      'Header value must be a string or buffer',
    )
    producer.produce(topic, 0, Buffer.from('next'))
    await flush(producer)
    expect((await messagesOf(raw, topic, 2)).map((message) => String(message.value))).toEqual(['refused', 'next'])
  })

  test('takes the first property of a header only', async () => {
    await using cluster = new Cluster({ client: 'confluent' })
    await using raw = new RawClients()
    const topic = await cluster.topic()
    const producer = await raw.producer()
    const headers = producibleHeaders([
      { key: 'a', value: VALUE },
      { key: 'b', value: VALUE },
    ])
    producer.produce(topic, 0, VALUE, null, undefined, undefined, [{ a: VALUE, b: VALUE }])
    producer.produce(topic, 0, VALUE, null, undefined, undefined, headers)
    await flush(producer)
    const messages = await messagesOf(raw, topic, 2)
    expect(messages.map(({ headers }) => headers?.flatMap((header) => Object.keys(header)))).toEqual([['a'], ['a', 'b']])
  })

  test('cuts the key of a header at its first zero', async () => {
    await using cluster = new Cluster({ client: 'confluent' })
    await using raw = new RawClients()
    const topic = await cluster.topic()
    const producer = await raw.producer()
    producer.produce(topic, 0, VALUE, null, undefined, undefined, [{ 'a\0b': VALUE }])
    await flush(producer)
    const [message] = await messagesOf(raw, topic, 1)
    expect(message?.headers?.map((header) => Object.keys(header))).toEqual([['a']])
  })

  test('reads a null header as an empty one', async () => {
    await using cluster = new Cluster({ client: 'confluent' })
    await using raw = new RawClients()
    const topic = await cluster.topic()
    const producer = await raw.producer()
    const headers: Headers = [
      { key: 'none', value: null },
      { key: 'empty', value: new Uint8Array(0) },
    ]
    producer.produce(topic, 0, VALUE, null, undefined, undefined, producibleHeaders(headers))
    await flush(producer)
    const [message] = await messagesOf(raw, topic, 1)
    expect(message?.headers?.map((header) => Object.values(header).map((value) => value.byteLength))).toEqual([[0], [0]])
  })
})

describe.each(['confluent', 'packed'] as const)('the transport, by the client %s,', (client) => {
  test.each([
    ['that is a number', { key: 'h', value: 7 }],
    ['that is a string', { key: 'h', value: 'text' }],
    ['that is undefined', { key: 'h', value: undefined }],
    ['whose key is a number', { key: 7, value: VALUE }],
    ['whose key would be cut at a zero', { key: 'a\0b', value: VALUE }],
  ])('refuses a header %s before any record of the batch is written', async (_, header) => {
    await using cluster = new Cluster({ client })
    const topic = await cluster.topic()
    const writer = await cluster.writer()
    const headers = [header] as unknown as Headers
    await expect(writer.writeBatch(batchOf(topic, [{ value: 'before' }, { value: 'refused', headers }]))).rejects.toThrow(TypeError)
    await writer.writeBatch(batchOf(topic, [{ value: 'next' }]))
    expect(await writer.flush()).toEqual([])
    expect(valuesOf(await firstBatch(cluster, topic))).toEqual(['next'])
  })

  test('writes headers that are null or empty, repeat, or have names of methods', async () => {
    await using cluster = new Cluster({ client })
    const topic = await cluster.topic()
    const headers: Headers = [
      { key: 'none', value: null },
      { key: 'empty', value: Buffer.alloc(0) },
      { key: 'twice', value: Buffer.from('1') },
      { key: 'twice', value: Buffer.from('2') },
      { key: '__proto__', value: Buffer.from('p') },
      { key: '', value: Buffer.from('nameless') },
    ]
    await cluster.write(topic, [{ value: 'v', headers }])
    const batch = await firstBatch(cluster, topic)
    expect(batch.headers?.[0]?.map(({ key, value }) => [key, Buffer.from(value ?? []).toString()])).toEqual([
      ['none', ''],
      ['empty', ''],
      ['twice', '1'],
      ['twice', '2'],
      ['__proto__', 'p'],
      ['', 'nameless'],
    ])
  })
})
