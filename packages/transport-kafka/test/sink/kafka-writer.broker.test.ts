import { bytesAt, silentLogger, viewColumn } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { batchOf, Cluster, pollBatches, readValues, until } from '../support/cluster.ts'

/** Bytes that no compression makes small. */
function noise(length: number): Uint8Array {
  return new Uint8Array(length).map((_, i) => Math.imul(i, 0x9e3779b1) >>> 24)
}

const CLIENTS = ['confluent', 'packed'] as const
/** The smallest queues there are: of records, or of bytes for the client that counts them alone. */
const SMALL_QUEUE = { confluent: { 'queue.buffering.max.messages': 50 }, packed: { 'queue.buffering.max.kbytes': 1 } }

describe.each(CLIENTS)('a writer of the client %s', (client) => {
  test('waits where the client can take no more, and keeps order', async () => {
    await using cluster = new Cluster({ client, producer: { ...SMALL_QUEUE[client], 'linger.ms': 0 } })
    const topic = await cluster.topic()
    const rows = Array.from({ length: 3_000 }, (_, i) => ({ value: String(i) }))
    const writer = await cluster.writer()
    await writer.writeBatch(batchOf(topic, rows))
    expect(await writer.flush()).toEqual([])
    const source = await cluster.source()
    await source.assign([{ topic, partition: 0, offset: 0 }])
    expect(await readValues(source, 3_000)).toEqual(rows.map(({ value }) => value))
  })

  test('tells every record that the client itself refuses, and writes the others', async () => {
    await using cluster = new Cluster({ client, producer: { 'message.max.bytes': 2_000 } })
    const topic = await cluster.topic(2)
    const writer = await cluster.writer()
    const rows = [{ value: 'a' }, { value: noise(3_000) }, { value: 'nowhere', partition: 7 }, { value: 'b' }].map((row) => ({
      partition: 0,
      ...row,
    }))
    await writer.writeBatch(batchOf(topic, rows))
    const failures = await writer.flush()
    expect(failures.map(({ topic: where, partition, error }) => [where, partition, error.code])).toEqual([
      [topic, 0, 'RECORD_TOO_LARGE'],
      [topic, 7, 'UNKNOWN_TOPIC'],
    ])
    const source = await cluster.source()
    await source.assign([{ topic, partition: 0, offset: 0 }])
    expect(await readValues(source, 2)).toEqual(['a', 'b'])
  })

  test('tells of all failures in one flush, though reports come a hundred at a time', async () => {
    await using cluster = new Cluster({ client })
    const topic = await cluster.topic(1, { 'max.message.bytes': '500' })
    const writer = await cluster.writer()
    const values = viewColumn(Array.from({ length: 350 }, () => noise(600)))
    await writer.writeBatch({
      topic,
      length: 350,
      keys: viewColumn(values.views.map(() => null)),
      values,
      timestamps: new Float64Array(350).fill(Date.now()),
    })
    const failures = await writer.flush()
    expect(failures).toHaveLength(350)
    expect(new Set(failures.map(({ error }) => error.code))).toEqual(new Set(['RECORD_TOO_LARGE']))
    expect(failures[0]?.error.message).toContain(`Kafka could not deliver a record to ${topic}-0: `)
    expect(await writer.flush()).toEqual([])
  })

  test('that is closed before anybody asked says what was not written, in one line a partition', async () => {
    const told: object[] = []
    const warn = (fields: object, message: string) => void told.push({ ...fields, message })
    await using cluster = new Cluster({ client, producer: { 'message.max.bytes': 2_000 } }, { ...silentLogger, warn })
    const topic = await cluster.topic(2)
    const writer = await cluster.writer()
    await writer.writeBatch(
      batchOf(
        topic,
        Array.from({ length: 300 }, (_, i) => ({ value: noise(3_000), partition: i % 3 === 0 ? 0 : 1 })),
      ),
    )
    await writer.close()
    const message = 'Records were not written, and nobody had asked before the writer was closed'
    expect(told).toMatchObject([
      { topic, partition: 0, records: 100, message },
      { topic, partition: 1, records: 200, message },
    ])
  })

  test('takes null headers and refuses what is no header, before any record of the batch is written', async () => {
    await using cluster = new Cluster({ client })
    const topic = await cluster.topic()
    const writer = await cluster.writer()
    const wrong = [{ key: 'h', value: 7 as unknown as Uint8Array }]
    await expect(writer.writeBatch(batchOf(topic, [{ value: 'a' }, { value: 'b', headers: wrong }]))).rejects.toThrow(TypeError)
    const headers = [
      { key: 'none', value: null },
      { key: 'some', value: Buffer.from('1') },
    ]
    await writer.writeBatch(batchOf(topic, [{ value: 'c', headers }]))
    expect(await writer.flush()).toEqual([])
    const source = await cluster.source()
    await source.assign([{ topic, partition: 0, offset: 0 }])
    let read: readonly unknown[] = []
    await until('it is read', async () => {
      const [batch] = await pollBatches(source)
      if (batch === undefined) return false
      read = [Buffer.from(bytesAt(batch.values, 0) ?? []).toString(), batch.headers?.[0]?.map(({ key, value }) => [key, value?.byteLength])]
      return true
    })
    expect(read).toEqual([
      'c',
      [
        // librdkafka reads null as empty.
        ['none', { confluent: 0, packed: undefined }[client]],
        ['some', 1],
      ],
    ])
  })

  test('keeps a time of 1970 in 1970, and gives records without one the time of writing', async () => {
    await using cluster = new Cluster({ client })
    const topic = await cluster.topic(1, { 'retention.ms': '-1' })
    const before = Date.now()
    await cluster.write(topic, [{ timestamp: 0 }, { timestamp: 1 }, { timestamp: -1 }])
    const source = await cluster.source()
    await source.assign([{ topic, partition: 0, offset: 0 }])
    const timestamps: number[] = []
    await until('all are read', async () => {
      for (const batch of await pollBatches(source)) timestamps.push(...Array.from(batch.timestamps))
      return timestamps.length === 3
    })
    // For librdkafka 0 is none.
    expect(timestamps.slice(0, 2)).toEqual([{ confluent: 1, packed: 0 }[client], 1])
    expect(timestamps[2]).toBeGreaterThanOrEqual(before)
  })

  test('refuses a topic that does not exist, and finds it when it does', async () => {
    await using cluster = new Cluster({ client })
    const topic = cluster.name()
    const writer = await cluster.writer()
    await expect(writer.writeBatch(batchOf(topic, [{ value: 'a' }]))).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC', stage: 'sink', topic })
    const admin = await cluster.admin()
    expect(await admin.describeTopics([topic])).toEqual([])
    await admin.createTopics([{ topic, partitions: 1 }])
    await writer.writeBatch(batchOf(topic, [{ value: 'a' }]))
    expect(await writer.flush()).toEqual([])
  })

  test('that tells of each record delivers on close what was sent and not waited for', async () => {
    await using cluster = new Cluster({ client, producer: { 'linger.ms': 1_500 } })
    const topic = await cluster.topic()
    const writer = await cluster.writer({ deliveryReports: true })
    // Its topic is known from here on, so that records are queued at once, where they wait for company.
    await Promise.all(writer.send?.([batchOf(topic, [{ value: 'a' }])]) ?? [])
    const sent = Promise.all(writer.send?.([batchOf(topic, [{ value: 'b' }, { value: 'c' }])]) ?? [])
    await new Promise((resolve) => setImmediate(resolve))
    await writer.close()
    expect((await sent).flat()).toMatchObject([{ outcome: 'written' }, { outcome: 'written' }])
  })

  test('tells of each record of a batch that the broker refused', async () => {
    await using cluster = new Cluster({ client })
    const topic = await cluster.topic(1, { 'cleanup.policy': 'compact' })
    const writer = await cluster.writer()
    const rows = ['k', null, null, 'k', 'k'].map((key) => ({ key, value: 'v' }))
    await writer.writeBatch(batchOf(topic, rows))
    const failures = await writer.flush()
    expect(failures).toHaveLength(rows.length)
    for (const failure of failures) expect(failure).toMatchObject({ topic, partition: 0, error: { retryable: false } })
  })

  test('says of a record that the broker finds invalid that it is, whoever sends it', async () => {
    await using cluster = new Cluster({ client })
    const topic = await cluster.topic(1, { 'cleanup.policy': 'compact' })
    const writer = await cluster.writer({ deliveryReports: true })
    const [deliveries] = await Promise.all(writer.send?.([batchOf(topic, [{ key: null, value: 'without a key' }])]) ?? [])
    expect(deliveries).toMatchObject([{ outcome: 'refused', error: { code: 'INVALID_RECORD' } }])
  })
})

describe.each(CLIENTS)('a transaction of the client %s', (client) => {
  test('that holds a record which could not be written is not committed, and the next one is', async () => {
    await using cluster = new Cluster({ client, producer: { 'message.max.bytes': 2_000 } })
    const topic = await cluster.topic()
    const writer = await cluster.writer({ transactionalId: cluster.name() })
    await writer.begin()
    await writer.writeBatch(batchOf(topic, [{ value: 'half' }, { value: noise(3_000) }]))
    await expect(writer.commit()).rejects.toMatchObject({ code: 'TRANSACTION_ABORTABLE' })
    await writer.abort()
    await writer.begin()
    await writer.writeBatch(batchOf(topic, [{ value: 'whole' }]))
    await writer.commit()
    const source = await cluster.source({ isolation: 'read-committed' })
    await source.assign([{ topic, partition: 0, offset: 0 }])
    expect(await readValues(source, 1)).toEqual(['whole'])
  })

  test('whose records the broker refuses can only be aborted', async () => {
    await using cluster = new Cluster({ client })
    const topic = await cluster.topic(1, { 'max.message.bytes': '500' })
    const writer = await cluster.writer({ transactionalId: cluster.name() })
    await writer.begin()
    await writer.writeBatch(batchOf(topic, [{ value: noise(600) }]))
    await expect(writer.commit()).rejects.toMatchObject({ code: 'TRANSACTION_ABORTABLE' })
    await writer.abort()
    await writer.begin()
    await writer.commit()
  })

  test('refuses offsets of a source that has been closed, instead of crashing, and of other transports', async () => {
    await using cluster = new Cluster({ client })
    const topic = await cluster.topic()
    const writer = await cluster.writer({ transactionalId: cluster.name() })
    const source = await cluster.source({ groupId: cluster.name() })
    await source.close()
    await writer.begin()
    await expect(writer.sendOffsets([{ topic, partition: 0, offset: 1 }], source)).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(writer.sendOffsets([{ topic, partition: 0, offset: 1 }], {} as typeof source)).rejects.toThrow('another transport')
    await writer.abort()
  })

  test('is begun, written to and ended in that order', async () => {
    await using cluster = new Cluster({ client })
    const topic = await cluster.topic()
    const plain = await cluster.writer()
    await expect(plain.begin()).rejects.toThrow("has no transactionalId: it can't begin")
    const writer = await cluster.writer({ transactionalId: cluster.name() })
    await expect(writer.writeBatch(batchOf(topic, [{ value: 'a' }]))).rejects.toThrow('begin one first')
    await expect(writer.commit()).rejects.toThrow('begin one first')
    await writer.abort()
    await writer.begin()
    await expect(writer.begin()).rejects.toThrow('is open already')
    await writer.commit()
  })

  test('of a writer that was fenced rejects everything that follows', async () => {
    await using cluster = new Cluster({ client })
    const topic = await cluster.topic()
    const transactionalId = cluster.name()
    const earlier = await cluster.writer({ transactionalId })
    await earlier.begin()
    await earlier.writeBatch(batchOf(topic, [{ value: 'zombie' }]))
    const later = await cluster.writer({ transactionalId })
    const fenced = { code: 'PRODUCER_FENCED', retryable: false }
    await expect(earlier.commit()).rejects.toMatchObject(fenced)
    await expect(earlier.abort()).rejects.toMatchObject(fenced)
    await expect(earlier.writeBatch(batchOf(topic, [{ value: 'zombie' }]))).rejects.toMatchObject(fenced)
    await expect(earlier.flush()).rejects.toMatchObject(fenced)
    await later.begin()
    await later.commit()
  })

  test('whose last records were refused because its writer was fenced says so', async () => {
    await using cluster = new Cluster({ client })
    const topic = await cluster.topic()
    const transactionalId = cluster.name()
    const earlier = await cluster.writer({ transactionalId })
    await earlier.begin()
    await earlier.writeBatch(batchOf(topic, [{ value: 'in time' }]))
    await earlier.flush()
    await cluster.writer({ transactionalId })
    await earlier.writeBatch(batchOf(topic, [{ value: 'late' }]))
    const fenced = { code: 'PRODUCER_FENCED', retryable: false }
    await expect(earlier.flush()).rejects.toMatchObject(fenced)
    await expect(earlier.commit()).rejects.toMatchObject(fenced)
    await expect(earlier.abort()).rejects.toMatchObject(fenced)
  })
})
