import type { ConformanceBench } from './conformance-bench.ts'
import { codeOf } from './conformance-bench.ts'
import type { ConformanceCase } from './conformance-case.ts'

/** Where reading goes on: assign, seek, pause, ends. */
export const positionCases: readonly ConformanceCase[] = [
  {
    name: 'positions: reading begins at the offset assigned, and assigning again replaces',
    run: async (bench) => {
      const topic = await bench.topic(2)
      await bench.writeNumbers(topic, 10, 0)
      await bench.writeNumbers(topic, 5, 1)
      const source = await bench.source()
      await source.assign([{ topic, partition: 0, offset: 7 }])
      bench.assert.deepEqual(valuesOf(await bench.read(source, 3)), ['7', '8', '9'])
      await source.assign([{ topic, partition: 1, offset: 3 }])
      bench.assert.deepEqual(source.assignment(), [{ topic, partition: 1 }])
      bench.assert.deepEqual(valuesOf(await bench.read(source, 2)), ['3', '4'])
    },
  },
  {
    name: 'positions: the end of a partition is told once it has been read, with its position',
    run: async (bench) => {
      const topic = await bench.topic(2)
      await bench.writeNumbers(topic, 10)
      const source = await bench.source()
      await source.assign([0, 1].map((partition) => ({ topic, partition, offset: 0 })))
      const ends = new Map<number, number>()
      let read = 0
      await bench.until('both ends are told', async () => {
        const polled = await source.poll(100)
        for (const batch of polled.batches) {
          read += batch.length
          batch.release()
        }
        for (const { partition, offset } of polled.ends) {
          if (partition === 0) bench.assert.equal(read, 10, 'everything below the end has been handed out')
          ends.set(partition, offset)
        }
        return ends.size === 2
      })
      bench.assert.deepEqual([ends.get(0), ends.get(1)], [10, 0])
    },
  },
  {
    name: 'positions: the end is told again when more has been read',
    run: async (bench) => {
      const topic = await bench.topic()
      await bench.writeNumbers(topic, 3)
      const source = await bench.source()
      await source.assign([{ topic, partition: 0, offset: 0 }])
      bench.assert.equal((await bench.readToEnd(source)).end, 3)
      await bench.writeNumbers(topic, 2)
      const { records, end } = await bench.readToEnd(source)
      bench.assert.deepEqual([valuesOf(records), end], [['0', '1'], 5])
    },
  },
  {
    name: 'positions: a poll waits for a record to arrive, and no longer than it was told to',
    run: async (bench) => {
      const topic = await bench.topic()
      const source = await bench.source()
      await source.assign([{ topic, partition: 0, offset: 0 }])
      await bench.readToEnd(source)
      const began = performance.now()
      bench.assert.deepEqual(await bench.pollOnce(source, 200), [])
      bench.assert.ok(performance.now() - began >= 190, 'it waited for what it was told')
      const waiting = bench.pollOnce(source, 20_000)
      await bench.write(topic, [{ value: 'woke' }])
      bench.assert.deepEqual(valuesOf(await waiting), ['woke'])
    },
  },
  {
    name: 'positions: a seek goes back and forth, and drops what had been read ahead',
    run: async (bench) => {
      const topic = await bench.topic()
      await bench.writeNumbers(topic, 100)
      const source = await bench.source({ maxPollRecords: 10 })
      await source.assign([{ topic, partition: 0, offset: 0 }])
      await bench.until('something has been read', async () => (await bench.pollOnce(source)).length > 0)
      await source.seek([{ topic, partition: 0, offset: 50 }])
      const forth = await pollSome(bench, source)
      bench.assert.equal(forth[0]?.offset, 50)
      await source.seek([{ topic, partition: 0, offset: 5 }])
      const back = await pollSome(bench, source)
      bench.assert.equal(back[0]?.offset, 5)
    },
  },
  {
    name: 'positions: a seek to the end tells the end',
    run: async (bench) => {
      const topic = await bench.topic()
      await bench.writeNumbers(topic, 4)
      const source = await bench.source()
      await source.assign([{ topic, partition: 0, offset: 0 }])
      bench.assert.equal((await bench.readToEnd(source)).end, 4)
      await source.seek([{ topic, partition: 0, offset: 4 }])
      bench.assert.deepEqual(await bench.readToEnd(source), { records: [], end: 4 })
    },
  },
  {
    name: 'positions: a paused partition hands out nothing until it is resumed, others go on',
    run: async (bench) => {
      const topic = await bench.topic(2)
      await bench.writeNumbers(topic, 5, 0)
      await bench.writeNumbers(topic, 5, 1)
      const source = await bench.source()
      await source.assign([0, 1].map((partition) => ({ topic, partition, offset: 0 })))
      source.pause([{ topic, partition: 0 }])
      const others = await bench.read(source, 5)
      bench.assert.ok(others.every(({ partition }) => partition === 1))
      bench.assert.deepEqual(await bench.pollOnce(source, 300), [])
      source.resume([{ topic, partition: 0 }])
      bench.assert.deepEqual(valuesOf(await bench.read(source, 5)), ['0', '1', '2', '3', '4'])
    },
  },
  {
    name: 'positions: a seek keeps a pause',
    run: async (bench) => {
      const topic = await bench.topic()
      await bench.writeNumbers(topic, 5)
      const source = await bench.source()
      await source.assign([{ topic, partition: 0, offset: 0 }])
      await bench.read(source, 5)
      source.pause([{ topic, partition: 0 }])
      await source.seek([{ topic, partition: 0, offset: 2 }])
      bench.assert.deepEqual(await bench.pollOnce(source, 300), [])
      source.resume([{ topic, partition: 0 }])
      bench.assert.deepEqual(valuesOf(await bench.read(source, 3)), ['2', '3', '4'])
    },
  },
  {
    name: 'positions: what is paused between polls and resumed goes on where it stopped',
    run: async (bench) => {
      const topic = await bench.topic()
      await bench.writeNumbers(topic, 200)
      const source = await bench.source({ maxPollRecords: 20 })
      await source.assign([{ topic, partition: 0, offset: 0 }])
      const offsets: number[] = []
      await bench.until('everything has been read', async () => {
        offsets.push(...(await bench.pollOnce(source)).map(({ offset }) => offset))
        source.pause([{ topic, partition: 0 }])
        bench.assert.deepEqual(await bench.pollOnce(source, 0), [])
        source.resume([{ topic, partition: 0 }])
        return offsets.length >= 200
      })
      bench.assert.deepEqual(
        offsets,
        Array.from({ length: 200 }, (_, i) => i),
      )
    },
  },
  {
    name: 'positions: an offset that is not there any more is an error of its own, not a silent jump',
    run: async (bench) => {
      const topic = await bench.topic()
      await bench.writeNumbers(topic, 5)
      const source = await bench.source()
      await source.assign([{ topic, partition: 0, offset: 99 }])
      let error: unknown
      await bench.until('the poll says so', async () => {
        error = await source.poll(100).then(
          () => undefined,
          (thrown: unknown) => thrown,
        )
        return error !== undefined
      })
      bench.assert.equal(codeOf(error), 'OFFSET_OUT_OF_RANGE')
    },
  },
]

function valuesOf(records: readonly { readonly value: string | null }[]): (string | null)[] {
  return records.map(({ value }) => value)
}

async function pollSome(
  bench: ConformanceBench,
  source: Parameters<ConformanceBench['pollOnce']>[0],
): ReturnType<ConformanceBench['pollOnce']> {
  let records: Awaited<ReturnType<ConformanceBench['pollOnce']>> = []
  await bench.until('something has been read', async () => {
    records = await bench.pollOnce(source)
    return records.length > 0
  })
  return records
}
