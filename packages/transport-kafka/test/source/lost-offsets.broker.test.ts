import { describe, expect, test } from 'vitest'
import { Cluster, pollError, readValues, until } from '../support/cluster.ts'
import { Holder } from '../support/holder.ts'

const outOfRange = (topic: string, partition: number, offset: number) => ({
  code: 'OFFSET_OUT_OF_RANGE',
  stage: 'source',
  retryable: false,
  topic,
  partition,
  offset,
})

describe.each(['confluent', 'packed'] as const)('with the client %s', (client) => {
  describe('an offset that is gone', () => {
    test('is named with what there is, by every poll, until reading goes on elsewhere', async () => {
      await using cluster = new Cluster({ client })
      const topic = await cluster.topic(2)
      await cluster.writeNumbers(topic, 5, 0)
      const source = await cluster.source()
      await source.assign([
        { topic, partition: 0, offset: 99 },
        { topic, partition: 1, offset: 0 },
      ])
      const { error } = await pollError(source)
      expect(error).toMatchObject(outOfRange(topic, 0, 99))
      expect((error as Error).message).toContain(`Offset 99 of ${topic}-0 is out of range: the partition holds 0 to 5.`)
      await expect(source.poll(0)).rejects.toMatchObject(outOfRange(topic, 0, 99))
      await source.seek([{ topic, partition: 0, offset: 3 }])
      expect(await readValues(source, 2)).toEqual(['3', '4'])
    })

    test('is found where records of other partitions hide the error of the client', async () => {
      await using cluster = new Cluster({ client })
      const topic = await cluster.topic(2)
      await cluster.writeNumbers(topic, 20_000, 0)
      const source = await cluster.source({ maxPollRecords: 1_000 })
      await source.assign([
        { topic, partition: 0, offset: 0 },
        { topic, partition: 1, offset: 7 },
      ])
      expect((await pollError(source)).error).toMatchObject(outOfRange(topic, 1, 7))
    })

    test('is told of deleted records as well', async () => {
      await using cluster = new Cluster({ client })
      const topic = await cluster.topic()
      await cluster.writeNumbers(topic, 10)
      const admin = await cluster.admin()
      await admin.deleteRecords([{ topic, partition: 0, offset: 6 }])
      const source = await cluster.source()
      await source.assign([{ topic, partition: 0, offset: 2 }])
      expect((await pollError(source)).error).toMatchObject(outOfRange(topic, 0, 2))
    })

    test('does not disturb while its partition is paused', async () => {
      await using cluster = new Cluster({ client })
      const topic = await cluster.topic(2)
      await cluster.writeNumbers(topic, 3, 1)
      const source = await cluster.source()
      await source.assign([
        { topic, partition: 0, offset: 99 },
        { topic, partition: 1, offset: 0 },
      ])
      const { values } = await pollError(source)
      source.pause([{ topic, partition: 0 }])
      expect([...values, ...(await readValues(source, 3 - values.length))]).toEqual(['0', '1', '2'])
      source.resume([{ topic, partition: 0 }])
      expect((await pollError(source)).error).toMatchObject(outOfRange(topic, 0, 99))
    })

    test.each([
      ['stay where they are', false],
      ['are handed out together', true],
    ])('can be left behind in a group whose partitions %s', async (_, coLocate) => {
      await using cluster = new Cluster({ client })
      const topic = await cluster.topic(2)
      await cluster.writeNumbers(topic, 4, 0)
      await cluster.writeNumbers(topic, 4, 1)
      const holder = new Holder()
      const source = await cluster.source({ groupId: cluster.name(), coLocate })
      holder.source = source
      const start = [
        { topic, partition: 0, offset: 50 },
        { topic, partition: 1, offset: 0 },
      ]
      await source.subscribe([topic], { onAssigned: async () => start, onRevoked: holder.onRevoked, onLost: holder.onLost })
      const { error, values: before } = await pollError(source)
      expect(error).toMatchObject(outOfRange(topic, 0, 50))
      await source.seek([{ topic, partition: 0, offset: 1 }])
      const values = [...before, ...(await readValues(source, 7 - before.length))]
      expect(values.toSorted()).toEqual(['0', '1', '1', '2', '2', '3', '3'])
      await until('nothing comes twice', async () => (await source.poll(300)).batches.length === 0)
    })
  })
})
