import { partitionForKey, viewColumn, type PackedColumn } from '@millrace/core'
import type { ConformanceCase } from './conformance-case.ts'
import { encode, writeBatchOf } from './text-records.ts'

/** What is written is read: bytes, nulls, headers, timestamps, order, partitions. */
export const recordCases: readonly ConformanceCase[] = [
  {
    name: 'records: keys, values, timestamps and headers are read as they were written',
    run: async (bench) => {
      const topic = await bench.topic()
      const headers = [
        { key: 'trace', value: encode('1') },
        { key: 'trace', value: encode('2') },
        { key: 'empty', value: new Uint8Array(0) },
      ]
      await bench.write(topic, [
        { key: 'a', value: 'one', timestamp: 1_700_000_000_000 },
        { key: 'b', value: 'zwei, größer', timestamp: 1_700_000_000_001, headers },
      ])
      const source = await bench.source()
      await source.assign([{ topic, partition: 0, offset: 0 }])
      const [first, second] = await bench.read(source, 2)
      const plain = { topic, partition: 0, offset: 0, key: 'a', value: 'one', timestamp: 1_700_000_000_000, headers: [] }
      bench.assert.deepEqual(first, plain)
      bench.assert.equal(second?.value, 'zwei, größer')
      bench.assert.deepEqual(second?.headers, [
        ['trace', '1'],
        ['trace', '2'],
        ['empty', ''],
      ])
    },
  },
  {
    name: 'records: null and empty are told apart, in keys and in values',
    run: async (bench) => {
      const topic = await bench.topic()
      await bench.write(topic, [
        { key: null, value: null },
        { key: '', value: '' },
        { key: 'k', value: null },
        { key: null, value: 'v' },
      ])
      const source = await bench.source()
      await source.assign([{ topic, partition: 0, offset: 0 }])
      const records = await bench.read(source, 4)
      bench.assert.deepEqual(
        records.map(({ key, value }) => [key, value]),
        [
          [null, null],
          ['', ''],
          ['k', null],
          [null, 'v'],
        ],
      )
    },
  },
  {
    name: 'records: packed columns are written as views are, and their bytes may be reused once the write has resolved',
    run: async (bench) => {
      const topic = await bench.topic()
      const writer = await bench.writer()
      const bytes = encode('..k1value-onek2') as Uint8Array
      const keys: PackedColumn = { form: 'packed', length: 2, bytes, starts: [2, 13], ends: [4, 15] }
      const values: PackedColumn = { form: 'packed', length: 2, bytes, starts: [4, 0], ends: [13, -1] }
      await writer.writeBatch({ topic, length: 2, keys, values, timestamps: Float64Array.of(1, 2) })
      bytes.fill(0)
      bench.assert.deepEqual(await writer.flush(), [])
      const source = await bench.source()
      await source.assign([{ topic, partition: 0, offset: 0 }])
      const records = await bench.read(source, 2)
      bench.assert.deepEqual(
        records.map(({ key, value, timestamp }) => [key, value, timestamp]),
        [
          ['k1', 'value-one', 1],
          ['k2', null, 2],
        ],
      )
    },
  },
  {
    name: 'records: a partition keeps the order of many writes',
    run: async (bench) => {
      const topic = await bench.topic()
      const writer = await bench.writer()
      const count = 20_000
      for (let from = 0; from < count; from += 4_000) {
        const records = Array.from({ length: 4_000 }, (_, i) => ({ key: `k${i % 7}`, value: String(from + i) }))
        await writer.writeBatch(writeBatchOf(topic, records))
      }
      bench.assert.deepEqual(await writer.flush(), [])
      const source = await bench.source()
      await source.assign([{ topic, partition: 0, offset: 0 }])
      const records = await bench.read(source, count)
      const inOrder = records.every(({ value, offset }, i) => value === String(i) && offset === i)
      bench.assert.ok(inOrder, 'values and offsets ascend together')
    },
  },
  {
    name: "records: the partition is the one asked for, else the one Kafka's default partitioner gives the key",
    run: async (bench) => {
      const topic = await bench.topic(5)
      const keys = Array.from({ length: 50 }, (_, i) => `key-${i}`)
      await bench.write(topic, [...keys.map((key) => ({ key })), { key: 'key-0', value: 'asked', partition: 3 }])
      const source = await bench.source()
      await source.assign([0, 1, 2, 3, 4].map((partition) => ({ topic, partition, offset: 0 })))
      for (const { key, value, partition } of await bench.read(source, 51)) {
        const expected = value === 'asked' ? 3 : partitionForKey(encode(key) as Uint8Array, 5)
        bench.assert.equal(partition, expected, `the partition of ${key}`)
      }
    },
  },
  {
    name: 'records: those without key are all written, wherever',
    run: async (bench) => {
      const topic = await bench.topic(3)
      await bench.write(
        topic,
        Array.from({ length: 30 }, (_, i) => ({ value: String(i) })),
      )
      const source = await bench.source()
      await source.assign([0, 1, 2].map((partition) => ({ topic, partition, offset: 0 })))
      const values = (await bench.read(source, 30)).map(({ value }) => Number(value))
      bench.assert.deepEqual(
        values.toSorted((a, b) => a - b),
        Array.from({ length: 30 }, (_, i) => i),
      )
    },
  },
  {
    name: 'records: a batch holds records of one partition, and its columns agree on its length',
    run: async (bench) => {
      const topic = await bench.topic(2)
      await bench.write(
        topic,
        Array.from({ length: 100 }, (_, i) => ({ value: String(i), partition: i % 2 })),
      )
      const source = await bench.source({ maxPollRecords: 30 })
      await source.assign([0, 1].map((partition) => ({ topic, partition, offset: 0 })))
      let seen = 0
      await bench.until('100 records are read', async () => {
        const { batches } = await source.poll(100)
        let polled = 0
        for (const batch of batches) {
          polled += batch.length
          const lengths = [batch.keys.length, batch.values.length, batch.offsets.length, batch.timestamps.length]
          bench.assert.deepEqual(lengths, lengths.fill(batch.length))
          for (let i = 1; i < batch.length; i++) bench.assert.ok((batch.offsets[i] as number) > (batch.offsets[i - 1] as number))
          batch.release()
        }
        bench.assert.ok(polled <= 30, 'a poll hands out no more than maxPollRecords')
        seen += polled
        return seen >= 100
      })
      bench.assert.equal(seen, 100)
    },
  },
  {
    name: 'records: an empty write is fine',
    run: async (bench) => {
      const topic = await bench.topic()
      await bench.write(topic, [])
      const [end] = await (await bench.admin()).endOffsets([{ topic, partition: 0 }], 'read-uncommitted')
      bench.assert.equal(end?.offset, 0)
    },
  },
  {
    name: 'records: a topic that does not exist is not made by writing to it: the write or the flush says so',
    run: async (bench) => {
      const topic = bench.name()
      const writer = await bench.writer()
      const failed = await writer.writeBatch(writeBatchOf(topic, [{ value: 'lost' }])).then(
        () => undefined,
        (error: unknown) => error,
      )
      const failures = await writer.flush()
      bench.assert.ok(failed !== undefined || failures.some((failure) => failure.topic === topic), 'the failure is told')
      bench.assert.deepEqual(await (await bench.admin()).describeTopics([topic]), [])
    },
  },
  {
    name: 'records: a failed delivery is told once, and the writer goes on',
    run: async (bench) => {
      const topic = await bench.topic(1, { config: { 'max.message.bytes': '1000' } })
      const writer = await bench.writer()
      // Bytes that no compression makes small.
      const large = { form: 'views', length: 1, views: [new Uint8Array(5_000).map((_, i) => Math.imul(i, 0x9e3779b1) >>> 24)] } as const
      await writer.writeBatch({ topic, length: 1, keys: viewColumn([null]), values: large, timestamps: [1] })
      const failures = await writer.flush()
      bench.assert.deepEqual(
        failures.map((failure) => failure.topic),
        [topic],
      )
      bench.assert.deepEqual(await writer.flush(), [], 'it is not told again')
      await writer.writeBatch(writeBatchOf(topic, [{ value: 'fits' }]))
      bench.assert.deepEqual(await writer.flush(), [])
      const source = await bench.source()
      await source.assign([{ topic, partition: 0, offset: 0 }])
      const [record] = await bench.read(source, 1)
      bench.assert.equal(record?.value, 'fits')
    },
  },
]
