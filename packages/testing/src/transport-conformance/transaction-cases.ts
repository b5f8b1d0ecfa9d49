import type { RecordSource } from '@millrace/core'
import { codeOf, type ConformanceBench } from './conformance-bench.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { RecordingListener } from './recording-listener.ts'
import { writeBatchOf, type ReadRecord } from './text-records.ts'

/** Transactions: all or nothing, for records and offsets. */
export const transactionCases: readonly ConformanceCase[] = [
  {
    name: 'transactions: read-committed sees the records of a transaction when it is committed, all of them, in order',
    run: async (bench) => {
      const topic = await bench.topic(2)
      const writer = await bench.writer({ transactionalId: bench.name() })
      await writer.begin()
      await writer.writeBatch(
        writeBatchOf(topic, [
          { value: 'a', partition: 0 },
          { value: 'b', partition: 1 },
        ]),
      )
      await writer.writeBatch(writeBatchOf(topic, [{ value: 'c', partition: 0 }]))
      bench.assert.deepEqual(await writer.flush(), [])
      const source = await committedReader(bench, topic, 2)
      bench.assert.deepEqual(await bench.pollOnce(source, 300), [], 'nothing is seen before the commit')
      await writer.commit()
      const records = await bench.read(source, 3)
      bench.assert.deepEqual(valuesOf(records, 0), ['a', 'c'])
      bench.assert.deepEqual(valuesOf(records, 1), ['b'])
    },
  },
  {
    name: 'transactions: aborted records are hidden from read-committed, and seen by read-uncommitted',
    run: async (bench) => {
      const topic = await bench.topic()
      const writer = await bench.writer({ transactionalId: bench.name() })
      for (const outcome of ['commit', 'abort', 'commit'] as const) {
        await writer.begin()
        await writer.writeBatch(writeBatchOf(topic, [{ value: outcome }, { value: outcome }]))
        bench.assert.deepEqual(await writer.flush(), [])
        await writer[outcome]()
      }
      const committed = await committedReader(bench, topic)
      bench.assert.deepEqual(valuesOf(await bench.read(committed, 4)), ['commit', 'commit', 'commit', 'commit'])
      const all = await bench.source({ isolation: 'read-uncommitted' })
      await all.assign([{ topic, partition: 0, offset: 0 }])
      bench.assert.equal((await bench.read(all, 6)).length, 6)
    },
  },
  {
    name: 'transactions: an open one holds back what others write behind it, and the committed end',
    run: async (bench) => {
      const topic = await bench.topic()
      await bench.writeNumbers(topic, 1)
      const writer = await bench.writer({ transactionalId: bench.name() })
      await writer.begin()
      await writer.writeBatch(writeBatchOf(topic, [{ value: 'open' }]))
      bench.assert.deepEqual(await writer.flush(), [])
      await bench.write(topic, [{ value: 'behind' }])
      const admin = await bench.admin()
      const ends = async () => [
        (await admin.endOffsets([{ topic, partition: 0 }], 'read-committed'))[0]?.offset,
        (await admin.endOffsets([{ topic, partition: 0 }], 'read-uncommitted'))[0]?.offset,
      ]
      bench.assert.deepEqual(await ends(), [1, 3])
      const source = await committedReader(bench, topic)
      bench.assert.deepEqual(valuesOf(await bench.read(source, 1)), ['0'])
      bench.assert.deepEqual(await bench.pollOnce(source, 300), [])
      await writer.abort()
      bench.assert.deepEqual(valuesOf(await bench.read(source, 1)), ['behind'])
      const [committedEnd, end] = await ends()
      bench.assert.equal(committedEnd, end)
    },
  },
  {
    name: 'transactions: the end told to a read-committed reader is the committed end, hidden records included',
    run: async (bench) => {
      const topic = await bench.topic()
      const writer = await bench.writer({ transactionalId: bench.name() })
      for (const outcome of ['commit', 'abort'] as const) {
        await writer.begin()
        await writer.writeBatch(writeBatchOf(topic, [{ value: outcome }]))
        bench.assert.deepEqual(await writer.flush(), [])
        await writer[outcome]()
      }
      const admin = await bench.admin()
      const endAt = async (isolation: 'read-committed' | 'read-uncommitted') =>
        (await admin.endOffsets([{ topic, partition: 0 }], isolation))[0]?.offset
      // A broker may answer before the marker that ends a transaction is in the partition.
      await bench.until('the transactions are over', async () => (await endAt('read-committed')) === (await endAt('read-uncommitted')))
      const end = await endAt('read-committed')
      const source = await committedReader(bench, topic)
      const read = await bench.readToEnd(source)
      bench.assert.deepEqual([valuesOf(read.records), read.end], [['commit'], end])
    },
  },
  {
    name: 'transactions: offsets are committed with the records, or not at all',
    run: async (bench) => {
      const topic = await bench.topic()
      const { source, groupId } = await member(bench, topic)
      const writer = await bench.writer({ transactionalId: bench.name() })
      const admin = await bench.admin()
      const committed = () => admin.committedOffsets(groupId, [{ topic, partition: 0 }])
      await writer.begin()
      await writer.sendOffsets([{ topic, partition: 0, offset: 1 }], source)
      await writer.abort()
      bench.assert.deepEqual(await committed(), [])
      await writer.begin()
      await writer.sendOffsets([{ topic, partition: 0, offset: 2, metadata: 'm' }], source)
      await writer.commit()
      bench.assert.deepEqual(await source.committed([{ topic, partition: 0 }]), [{ topic, partition: 0, offset: 2, metadata: 'm' }])
    },
  },
  {
    name: 'transactions: committed offsets are stable ones: asking waits for a transaction that holds them',
    run: async (bench) => {
      const topic = await bench.topic()
      const { source } = await member(bench, topic)
      const writer = await bench.writer({ transactionalId: bench.name() })
      await writer.begin()
      await writer.sendOffsets([{ topic, partition: 0, offset: 7 }], source)
      const asked = source.committed([{ topic, partition: 0 }])
      await writer.commit()
      bench.assert.deepEqual(
        (await asked).map(({ offset }) => offset),
        [7],
      )
    },
  },
  {
    name: 'transactions: a later writer of the same id fences the earlier, and aborts what it left open',
    run: async (bench) => {
      const topic = await bench.topic()
      const transactionalId = bench.name()
      const earlier = await bench.writer({ transactionalId })
      await earlier.begin()
      await earlier.writeBatch(writeBatchOf(topic, [{ value: 'zombie' }]))
      bench.assert.deepEqual(await earlier.flush(), [])
      const later = await bench.writer({ transactionalId })
      bench.assert.equal(codeOf(await bench.rejection(earlier.commit())), 'PRODUCER_FENCED')
      await later.begin()
      await later.writeBatch(writeBatchOf(topic, [{ value: 'alive' }]))
      await later.commit()
      const source = await committedReader(bench, topic)
      bench.assert.deepEqual(valuesOf((await bench.readToEnd(source)).records), ['alive'])
    },
  },
  {
    name: 'transactions: closing the writer aborts the open one',
    run: async (bench) => {
      const topic = await bench.topic()
      const writer = await bench.writer({ transactionalId: bench.name() })
      await writer.begin()
      await writer.writeBatch(writeBatchOf(topic, [{ value: 'unfinished' }]))
      await writer.close()
      const source = await committedReader(bench, topic)
      bench.assert.deepEqual(valuesOf((await bench.readToEnd(source)).records), [])
    },
  },
]

async function committedReader(bench: ConformanceBench, topic: string, partitions = 1): Promise<RecordSource> {
  const source = await bench.source({ isolation: 'read-committed' })
  await source.assign(Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0 })))
  return source
}

/** The only member of a group of its own, with its partition assigned. */
async function member(bench: ConformanceBench, topic: string): Promise<{ readonly source: RecordSource; readonly groupId: string }> {
  const groupId = bench.name()
  const source = await bench.source({ groupId, isolation: 'read-committed' })
  const listener = new RecordingListener()
  await source.subscribe([topic], listener)
  await bench.pollUntil([source], 'the partition is assigned', () => listener.held().length === 1)
  return { source, groupId }
}

function valuesOf(records: readonly ReadRecord[], partition?: number): (string | null)[] {
  return records.filter((record) => partition === undefined || record.partition === partition).map(({ value }) => value)
}
