import { COMPRESSIONS, type Delivery, type RecordWriter, type RecordWriterOptions } from '@millrace/core'
import type { ConformanceBench } from './conformance-bench.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { type TextRecord, writeBatchOf } from './text-records.ts'

type Send = NonNullable<RecordWriter['send']>

/** A writer's `send`. That it is missing is a failure: who has none says so with `lacks`. */
async function sender(bench: ConformanceBench, options: Partial<RecordWriterOptions> = {}): Promise<{ writer: RecordWriter; send: Send }> {
  const writer = await bench.writer({ deliveryReports: true, ...options })
  bench.assert.ok(writer.send !== undefined, 'the writer has a send (or the suite is told that it lacks delivery-reports)')
  return { writer, send: (batches) => (writer as Required<RecordWriter>).send(batches) }
}

async function sendOne(send: Send, topic: string, records: readonly TextRecord[]): Promise<readonly Delivery[]> {
  return (await send([writeBatchOf(topic, records)])[0]) ?? []
}

function codeOf(delivery: Delivery | undefined): string | undefined {
  return delivery === undefined || delivery.outcome === 'written' ? undefined : delivery.error.code
}

/** What became of each record is told. */
export const deliveryCases: readonly ConformanceCase[] = [
  {
    name: 'deliveries: every record is told where it was written, batches of several topics in one send',
    run: async (bench) => {
      const [one, two] = [await bench.topic(3), await bench.topic()]
      const { send } = await sender(bench)
      const keys = Array.from({ length: 30 }, (_, i) => ({ key: `k${i % 7}`, value: String(i) }))
      const [first, second] = await Promise.all(
        send([writeBatchOf(one, keys), writeBatchOf(two, [{ key: 'a', value: 'x' }, { value: 'y' }])]),
      )
      bench.assert.deepEqual(second, [
        { outcome: 'written', partition: 0, offset: 0 },
        { outcome: 'written', partition: 0, offset: 1 },
      ])
      const source = await bench.source()
      await source.assign([0, 1, 2].map((partition) => ({ topic: one, partition, offset: 0 })))
      const places = new Map<string | null, Delivery>()
      for (const { value, partition, offset } of await bench.read(source, 30)) places.set(value, { outcome: 'written', partition, offset })
      bench.assert.deepEqual(
        first,
        keys.map(({ value }) => places.get(value)),
      )
    },
  },
  {
    name: 'deliveries: a record that is too large is refused by itself, those of the same send are written',
    run: async (bench) => {
      const topic = await bench.topic(1, { config: { 'max.message.bytes': '2000000' } })
      const { send } = await sender(bench)
      const large = 'x'.repeat(3_000_000)
      const deliveries = await sendOne(send, topic, [{ value: 'before' }, { value: large }, { value: 'after' }])
      bench.assert.deepEqual(
        deliveries.map(({ outcome }) => outcome),
        ['written', 'refused', 'written'],
      )
      bench.assert.equal(codeOf(deliveries[1]), 'RECORD_TOO_LARGE')
      const source = await bench.source()
      await source.assign([{ topic, partition: 0, offset: 0 }])
      const values = (await bench.read(source, 2)).map(({ value }) => value)
      bench.assert.deepEqual(values, ['before', 'after'])
    },
  },
  {
    name: 'deliveries: records for a topic that does not exist are refused, those for others are written',
    run: async (bench) => {
      const topic = await bench.topic()
      const { send } = await sender(bench)
      const [lost, written] = await Promise.all(
        send([writeBatchOf(bench.name(), [{ value: '1' }, { value: '2' }]), writeBatchOf(topic, [{ value: '3' }])]),
      )
      bench.assert.deepEqual(
        lost?.map((delivery) => [delivery.outcome, codeOf(delivery)]),
        [
          ['refused', 'UNKNOWN_TOPIC'],
          ['refused', 'UNKNOWN_TOPIC'],
        ],
      )
      bench.assert.equal(written?.[0]?.outcome, 'written')
    },
  },
  {
    name: 'deliveries: many sends, each after the one before, keep the order of a partition',
    run: async (bench) => {
      const topic = await bench.topic()
      const { send } = await sender(bench)
      for (let from = 0; from < 2_000; from += 100) {
        const deliveries = await sendOne(
          send,
          topic,
          Array.from({ length: 100 }, (_, i) => ({ value: String(from + i) })),
        )
        bench.assert.deepEqual(
          deliveries,
          Array.from({ length: 100 }, (_, i) => ({ outcome: 'written', partition: 0, offset: from + i })),
        )
      }
      const source = await bench.source()
      await source.assign([{ topic, partition: 0, offset: 0 }])
      const records = await bench.read(source, 2_000)
      bench.assert.ok(
        records.every(({ value, offset }, i) => value === String(i) && offset === i),
        'values and offsets ascend together',
      )
    },
  },
  {
    name: 'deliveries: what was sent with any codec is read as it was',
    run: async (bench) => {
      const topic = await bench.topic()
      for (const compression of COMPRESSIONS) {
        const { writer, send } = await sender(bench, { compression })
        const [delivery] = await sendOne(send, topic, [{ key: compression, value: compression.repeat(100) }])
        bench.assert.equal(delivery?.outcome, 'written')
        await writer.close()
      }
      const source = await bench.source()
      await source.assign([{ topic, partition: 0, offset: 0 }])
      const records = await bench.read(source, COMPRESSIONS.length)
      bench.assert.deepEqual(
        records.map(({ key, value }) => [key, value]),
        COMPRESSIONS.map((compression) => [compression, compression.repeat(100)]),
      )
    },
  },
  {
    name: 'deliveries: what was sent in a transaction is visible once that is committed, and never when one of its records was refused',
    run: async (bench) => {
      const topic = await bench.topic(1, { config: { 'max.message.bytes': '2000000' } })
      const { writer, send } = await sender(bench, { transactionalId: bench.name() })
      await writer.begin()
      bench.assert.equal((await sendOne(send, topic, [{ value: 'dropped' }]))[0]?.outcome, 'written')
      await writer.abort()
      await writer.begin()
      bench.assert.equal((await sendOne(send, topic, [{ value: 'kept' }]))[0]?.outcome, 'written')
      await writer.commit()
      await writer.begin()
      const refused = await sendOne(send, topic, [{ value: 'with a large one' }, { value: 'x'.repeat(3_000_000) }])
      bench.assert.equal(refused[1]?.outcome, 'refused')
      let code: unknown
      await writer.commit().catch((error: unknown) => {
        code = (error as { code?: unknown }).code
      })
      bench.assert.equal(code, 'TRANSACTION_ABORTABLE')
      await writer.abort()
      await bench.write(topic, [{ value: 'last' }])
      const source = await bench.source({ isolation: 'read-committed' })
      await source.assign([{ topic, partition: 0, offset: 0 }])
      bench.assert.deepEqual(
        (await bench.read(source, 2)).map(({ value }) => value),
        ['kept', 'last'],
      )
    },
  },
  {
    name: 'deliveries: a writer that was opened without reports refuses to send',
    run: async (bench) => {
      const topic = await bench.topic()
      const { send } = await sender(bench, { deliveryReports: false })
      let thrown: unknown
      try {
        void send([writeBatchOf(topic, [{ value: 'v' }])])
      } catch (error) {
        thrown = error
      }
      bench.assert.ok(thrown instanceof TypeError, 'it throws a TypeError')
    },
  },
]
