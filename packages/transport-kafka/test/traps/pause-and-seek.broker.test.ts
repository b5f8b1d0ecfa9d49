import { MillraceError, type RecordSource, type StartPosition, type WireBatch } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { promised } from '../../src/confluent/promised.ts'
import type { Callback, RawMetadata } from '../../src/confluent/raw-api.ts'
import { Cluster, pollBatches, until } from '../support/cluster.ts'
import { evict } from '../support/evict.ts'
import { consume, consumeMessages, RawClients, type TrappedConsumer } from '../support/raw-clients.ts'

const SEEK_MS = 1_000
const NOT_FETCHING = -172

function seek(consumer: TrappedConsumer, topic: string, offset: number): Promise<unknown> {
  return promised('seek', SEEK_MS, (callback) => consumer.seek({ topic, partition: 0, offset }, SEEK_MS, callback))
}

function metadata(consumer: TrappedConsumer): Promise<unknown> {
  const options = { allTopics: false, timeout: SEEK_MS }
  return promised('get metadata', SEEK_MS, (callback: Callback<RawMetadata>) => consumer.getMetadata(options, callback))
}

describe('the client', () => {
  test.each(['pause', 'seek'] as const)('hands out what a consume in flight had taken before a %s', async (what) => {
    await using cluster = new Cluster({ client: 'confluent' })
    await using raw = new RawClients()
    const topic = await cluster.topic(2)
    await cluster.writeNumbers(topic, 10)
    const consumer = await raw.consumer()
    consumer.assign([0, 1].map((partition) => ({ topic, partition, offset: 0 })))
    // It has read one record, so that it is fetching, and the others wait in its queue.
    await consumeMessages(consumer, 1)
    // It is in flight until it has thirty: nine are there, and ten more if it is made to read them again.
    consumer.setDefaultConsumeTimeout(25_000)
    let arrived = false
    const consumed = consume(consumer, 30).then((messages) => {
      arrived = true
      return messages.map(({ offset }) => offset)
    })
    // A few calls that take a thread each: by then the consume has begun.
    for (let i = 0; i < 3; i++) await metadata(consumer)
    if (what === 'pause') consumer.pause([{ topic, partition: 0 }])
    else await seek(consumer, topic, 0)
    expect(arrived).toBe(false)
    await cluster.writeNumbers(topic, 21, 1)
    const offsets = await consumed
    expect(offsets.slice(0, 9)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  test('seeks only where it reads', async () => {
    await using cluster = new Cluster({ client: 'confluent' })
    await using raw = new RawClients()
    const topic = await cluster.topic()
    const consumer = await raw.consumer()
    await expect(seek(consumer, topic, 0)).rejects.toMatchObject({ code: NOT_FETCHING })
    consumer.assign([{ topic, partition: 0, offset: 0 }])
    await seek(consumer, topic, 0)
    consumer.unassign()
    await expect(seek(consumer, topic, 0)).rejects.toMatchObject({ code: NOT_FETCHING })
  })

  test('keeps the pause of a partition that is given up and assigned again', async () => {
    await using cluster = new Cluster({ client: 'confluent' })
    await using raw = new RawClients()
    const topic = await cluster.topic(2)
    for (const partition of [0, 1]) await cluster.writeNumbers(topic, 3, partition)
    const consumer = await raw.consumer()
    consumer.assign([0, 1].map((partition) => ({ topic, partition, offset: 0 })))
    consumer.pause([{ topic, partition: 0 }])
    consumer.unassign()
    consumer.assign([0, 1].map((partition) => ({ topic, partition, offset: 0 })))
    expect((await consumeMessages(consumer, 3)).map(({ partition }) => partition)).toEqual([1, 1, 1])
    consumer.resume([{ topic, partition: 0 }])
    expect((await consumeMessages(consumer, 3)).map(({ partition }) => partition)).toEqual([0, 0, 0])
  })
})

/** What a poll hands out of each partition. */
function offsetsOf(batches: readonly WireBatch[], partition: number): number[] {
  return batches.filter((batch) => batch.partition === partition).flatMap(({ offsets }) => Array.from(offsets))
}

/** Polls until something comes. */
async function pollSome(source: RecordSource, partition: number): Promise<number[]> {
  let offsets: number[] = []
  await until('something is read', async () => {
    offsets = offsetsOf(await pollBatches(source), partition)
    return offsets.length > 0
  })
  return offsets
}

describe.each(['confluent', 'packed'] as const)('the transport, by the client %s,', (client) => {
  test('hands out nothing of a paused partition, whatever was on its way, and goes on behind what it handed out', async () => {
    await using cluster = new Cluster({ client })
    const topic = await cluster.topic(2)
    const count = 20_000
    for (const partition of [0, 1]) await cluster.writeNumbers(topic, count, partition)
    const source = await cluster.source({ maxPollRecords: 200 })
    await source.assign([0, 1].map((partition) => ({ topic, partition, offset: 0 })))
    const seen: number[][] = [[], []]
    let paused = 0
    await until('everything is read', async () => {
      const held = paused++ % 2
      source.pause([{ topic, partition: held }])
      for (let i = 0; i < 3; i++) {
        // Not awaited before the pause ends for the last of them: that poll is under way when the partition is resumed.
        const batches = await pollBatches(source, 0)
        expect(offsetsOf(batches, held)).toEqual([])
        seen[1 - held]?.push(...offsetsOf(batches, 1 - held))
      }
      source.resume([{ topic, partition: held }])
      const batches = await pollBatches(source, 0)
      for (const partition of [0, 1]) seen[partition]?.push(...offsetsOf(batches, partition))
      return seen.flat().length >= 2 * count
    })
    const all = Array.from({ length: count }, (_, i) => i)
    expect(seen).toEqual([all, all])
  })

  test('hands out nothing of a partition that is paused while a poll waits', async () => {
    await using cluster = new Cluster({ client })
    const topic = await cluster.topic(2)
    const source = await cluster.source()
    await source.assign([0, 1].map((partition) => ({ topic, partition, offset: 0 })))
    await until('both ends are told', async () => (await source.poll(100)).ends.length > 0)
    const waiting = source.poll(30_000)
    source.pause([{ topic, partition: 0 }])
    await cluster.writeNumbers(topic, 1, 0)
    await cluster.writeNumbers(topic, 1, 1)
    const { batches } = await waiting
    expect(batches.map(({ partition }) => partition)).not.toContain(0)
    source.resume([{ topic, partition: 0 }])
    expect(await pollSome(source, 0)).toEqual([0])
  })

  test('reads on exactly where a seek says, back and forth, though polls and fetches are under way', async () => {
    await using cluster = new Cluster({ client })
    const topic = await cluster.topic()
    const count = 10_000
    await cluster.writeNumbers(topic, count)
    const source = await cluster.source({ maxPollRecords: 300 })
    await source.assign([{ topic, partition: 0, offset: 0 }])
    let target = 0
    for (let round = 0; round < 40; round++) {
      const offsets = await pollSome(source, 0)
      expect(offsets).toEqual(Array.from(offsets, (_, i) => target + i))
      target = (target + (round % 2 === 0 ? 6_007 : 1_009)) % count
      // One is under way, and ends before the seek or with nothing: its records are those of before.
      const underWay = source.poll(0)
      await source.seek([{ topic, partition: 0, offset: target }])
      await underWay
    }
  })

  describe.each(['classic', 'consumer'] as const)('with the %s protocol', (groupProtocol) => {
    test('seeks in what was just assigned, and keeps its pause', async () => {
      await using cluster = new Cluster({ client, groupProtocol })
      const topic = await cluster.topic()
      await cluster.writeNumbers(topic, 10)
      const { source, starts } = await startingPaused(cluster, cluster.name(), topic)
      await until('it is assigned', () => starts.length === 1)
      await until('it can be sought', () => seekTo(source, topic, 7))
      expect(await pollBatches(source, 500)).toEqual([])
      source.resume([{ topic, partition: 0 }])
      expect(await pollSome(source, 0)).toEqual([7, 8, 9])
    })

    test('reads a partition that was paused when it was given up, and comes back without a pause', async () => {
      await using cluster = new Cluster({ client, groupProtocol })
      const topic = await cluster.topic()
      await cluster.writeNumbers(topic, 3)
      const groupId = cluster.name()
      const { source, starts } = await startingPaused(cluster, groupId, topic)
      await until('it is assigned', () => starts.length === 1)
      expect(await pollBatches(source, 500)).toEqual([])
      await evict(groupId, groupProtocol)
      await until('it is assigned again', () => starts.length === 2)
      expect(await pollSome(source, 0)).toEqual([0, 1, 2])
    })
  })
})

/** A member whose partition is paused when it comes for the first time. */
async function startingPaused(cluster: Cluster, groupId: string, topic: string) {
  const source = await cluster.source({ groupId })
  const starts: (readonly StartPosition[])[] = []
  await source.subscribe([topic], {
    onAssigned: async (partitions) => {
      const start = partitions.map((at) => ({ ...at, offset: 0, paused: starts.length === 0 }))
      if (start.length > 0) starts.push(start)
      return start
    },
    onRevoked: async () => {},
    onLost: async () => {},
  })
  return { source, starts }
}

/** Whether it was assigned far enough for a seek. */
function seekTo(source: RecordSource, topic: string, offset: number): Promise<boolean> {
  return source.seek([{ topic, partition: 0, offset }]).then(
    () => true,
    (error: unknown) => {
      if (error instanceof MillraceError && error.code === 'NOT_ASSIGNED') return false
      throw error
    },
  )
}
