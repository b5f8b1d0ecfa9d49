import { describe, expect, test } from 'vitest'
import { Cluster, readValues, until } from '../support/cluster.ts'
import { Holder } from '../support/holder.ts'

async function member(cluster: Cluster, topics: readonly string[]) {
  const holder = new Holder()
  const source = await cluster.source({ groupId: cluster.name() })
  holder.source = source
  await source.subscribe(topics, holder)
  await until('all is assigned', () => holder.held.length === topics.length)
  return source
}

describe.each(['confluent', 'packed'] as const)('with the client %s', (client) => {
  describe('a commit', () => {
    test('is refused as a whole if the broker refuses a part of it', async () => {
      await using cluster = new Cluster({ client })
      const [kept, refused] = [await cluster.topic(), await cluster.topic()]
      const source = await member(cluster, [kept, refused])
      const tooLarge = 'x'.repeat(5_000)
      const commit = source.commit([
        { topic: kept, partition: 0, offset: 0 },
        { topic: refused, partition: 0, offset: 0, metadata: tooLarge },
      ])
      await expect(commit).rejects.toMatchObject({ stage: 'commit', retryable: false })
      await expect(source.commit([{ topic: refused, partition: 0, offset: 0, metadata: tooLarge }])).rejects.toMatchObject({
        topic: refused,
        partition: 0,
      })
      await source.commit([{ topic: refused, partition: 0, offset: 0 }])
    })

    test('keeps its metadata, whatever the letters', async () => {
      await using cluster = new Cluster({ client })
      const topic = await cluster.topic()
      const source = await member(cluster, [topic])
      const commit = { topic, partition: 0, offset: 0, metadata: 'größer ∂ 🚀' }
      await source.commit([commit])
      expect(await source.committed([{ topic, partition: 0 }])).toEqual([commit])
    })

    test('is answered while nobody polls and much waits to be read, and takes nothing away from who polls later', async () => {
      await using cluster = new Cluster({ client })
      const topic = await cluster.topic()
      await cluster.writeNumbers(topic, 20_000)
      const source = await cluster.source({ groupId: cluster.name(), maxPollRecords: 100 })
      const holder = new Holder()
      holder.source = source
      await source.subscribe([topic], holder)
      await until('something waits', () => holder.held.length === 1)
      for (let offset = 0; offset < 50; offset++) await source.commit([{ topic, partition: 0, offset }])
      expect(await readValues(source, 20_000)).toEqual(Array.from({ length: 20_000 }, (_, i) => String(i)))
    })

    test('of many callers at once is each answered', async () => {
      await using cluster = new Cluster({ client })
      const topic = await cluster.topic()
      const source = await member(cluster, [topic])
      await Promise.all(Array.from({ length: 20 }, (_, offset) => source.commit([{ topic, partition: 0, offset }])))
      expect((await source.committed([{ topic, partition: 0 }]))[0]?.offset).toBe(19)
      await expect(source.commit([{ topic, partition: 0, offset: -1 }])).rejects.toThrow(TypeError)
      await source.commit([])
    })

    test('needs a group', async () => {
      await using cluster = new Cluster({ client })
      const topic = await cluster.topic()
      const source = await cluster.source()
      await expect(source.commit([{ topic, partition: 0, offset: 0 }])).rejects.toThrow("has no group: it can't commit")
      await expect(source.committed([{ topic, partition: 0 }])).rejects.toThrow('has no group')
    })

    test('of a group that never was finds no offsets, and offsets of others are read without joining them', async () => {
      await using cluster = new Cluster({ client })
      const topic = await cluster.topic()
      const admin = await cluster.admin()
      for (let i = 0; i < 20; i++) expect(await admin.committedOffsets(cluster.name(), [{ topic, partition: 0 }])).toEqual([])
      expect(await admin.committedOffsets(cluster.name(), [{ topic: cluster.name(), partition: 0 }])).toEqual([])
    })
  })
})
