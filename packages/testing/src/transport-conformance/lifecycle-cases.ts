import type { ConformanceCase } from './conformance-case.ts'
import { RecordingListener } from './recording-listener.ts'
import { writeBatchOf } from './text-records.ts'

/** Opening and closing. */
export const lifecycleCases: readonly ConformanceCase[] = [
  {
    name: 'lifecycle: everything may be closed twice',
    run: async (bench) => {
      const topic = await bench.topic()
      const source = await bench.source({ groupId: bench.name() })
      await source.subscribe([topic], new RecordingListener())
      const parts = [source, await bench.writer(), await bench.writer({ transactionalId: bench.name() }), await bench.admin()]
      for (const part of parts) {
        await part.close()
        await part.close()
      }
    },
  },
  {
    name: 'lifecycle: a source that never subscribed can be closed',
    run: async (bench) => {
      await (await bench.source({ groupId: bench.name() })).close()
      await (await bench.source()).close()
    },
  },
  {
    name: 'lifecycle: closing lets a waiting poll go',
    run: async (bench) => {
      const topic = await bench.topic()
      const source = await bench.source()
      await source.assign([{ topic, partition: 0, offset: 0 }])
      await bench.readToEnd(source)
      const waiting = source.poll(60_000)
      const began = performance.now()
      await Promise.all([source.close(), waiting.catch(() => undefined)])
      bench.assert.ok(performance.now() - began < 30_000, 'the poll did not wait for its time limit')
    },
  },
  {
    name: 'lifecycle: what has been closed refuses to work',
    run: async (bench) => {
      const topic = await bench.topic()
      const source = await bench.source()
      const writer = await bench.writer()
      await source.close()
      await writer.close()
      await bench.rejection(source.poll(0))
      await bench.rejection(writer.writeBatch(writeBatchOf(topic, [{ value: 'late' }])))
    },
  },
  {
    name: 'lifecycle: closing a writer delivers what it has accepted',
    run: async (bench) => {
      const topic = await bench.topic()
      const writer = await bench.writer()
      await writer.writeBatch(writeBatchOf(topic, [{ value: 'accepted' }]))
      await writer.close()
      const source = await bench.source()
      await source.assign([{ topic, partition: 0, offset: 0 }])
      const [record] = await bench.read(source, 1)
      bench.assert.equal(record?.value, 'accepted')
    },
  },
]
