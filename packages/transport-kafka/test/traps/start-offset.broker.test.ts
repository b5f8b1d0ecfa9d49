import type { TopicPartitionOffset } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { Cluster, pollBatches, pollError, readValues, until } from '../support/cluster.ts'
import { consume, RawClients } from '../support/raw-clients.ts'

const RESET_IS_ERROR = -140

describe('the client', () => {
  test('begins at the end where its group has committed nothing, and passes over what is there without a word', async () => {
    await using cluster = new Cluster({ client: 'confluent' })
    await using raw = new RawClients()
    const topic = await cluster.topic()
    await cluster.writeNumbers(topic, 10)
    const consumer = await raw.consumer({ 'enable.partition.eof': true })
    const ends: number[] = []
    consumer.on('partition.eof', ({ offset }: TopicPartitionOffset) => ends.push(offset))
    consumer.assign([{ topic, partition: 0 }])
    let read = 0
    await until('an end is told', async () => {
      read += (await consume(consumer)).length
      return ends.length > 0
    })
    expect([read, ends]).toEqual([0, [10]])
  })

  test('tells with auto.offset.reset=error that there is no offset, but not where', async () => {
    await using cluster = new Cluster({ client: 'confluent' })
    await using raw = new RawClients()
    const topic = await cluster.topic()
    await cluster.writeNumbers(topic, 10)
    const consumer = await raw.consumer({}, { 'auto.offset.reset': 'error' })
    consumer.assign([{ topic, partition: 0 }])
    let thrown: unknown
    await until('a consume fails', async () => {
      thrown = await consume(consumer).then(
        () => undefined,
        (error: unknown) => error,
      )
      return thrown !== undefined
    })
    expect(thrown).toMatchObject({ code: RESET_IS_ERROR })
    expect(String(thrown)).not.toContain(topic)
  })
})

describe.each([
  ['confluent', 'classic'],
  ['confluent', 'consumer'],
  ['packed', 'classic'],
  ['packed', 'consumer'],
] as const)('by the client %s with the %s protocol, the transport', (client, groupProtocol) => {
  test.each([
    ['the beginning', 0],
    ['the end', 10],
    ['somewhere else', 7],
  ])('begins exactly where it is told to where nothing is committed: at %s', async (_, offset) => {
    await using cluster = new Cluster({ client, groupProtocol })
    const topic = await cluster.topic()
    await cluster.writeNumbers(topic, 10)
    const groupId = cluster.name()
    const source = await cluster.source({ groupId })
    const committed: unknown[] = []
    await source.subscribe([topic], {
      onAssigned: async (partitions) => {
        committed.push(...(await source.committed(partitions)))
        const starts = partitions.map((at) => ({ ...at, offset }))
        // As the engine does: from here on the group knows where it began.
        await source.commit(starts)
        return starts
      },
      onRevoked: async () => {},
      onLost: async () => {},
    })
    await until('it is assigned', () => source.assignment().length === 1)
    await until('the end is told', async () => {
      const { batches, ends } = await source.poll(100)
      committed.push(...batches.flatMap((batch) => Array.from(batch.offsets)))
      return ends.length > 0
    })
    expect(committed).toEqual(Array.from({ length: 10 - offset }, (__, i) => offset + i))
    await cluster.writeNumbers(topic, 2)
    expect(await readValues(source, 2)).toEqual(['0', '1'])
    expect(await source.committed([{ topic, partition: 0 }])).toEqual([{ topic, partition: 0, offset }])
  })

  test('reads nothing where it is told no start', async () => {
    await using cluster = new Cluster({ client, groupProtocol })
    const topic = await cluster.topic()
    await cluster.writeNumbers(topic, 10)
    const source = await cluster.source({ groupId: cluster.name() })
    await source.subscribe([topic], { onAssigned: async () => [], onRevoked: async () => {}, onLost: async () => {} })
    const { error, values } = await pollError(source)
    expect([String(error), values]).toEqual([`TypeError: onAssigned gave no start position for ${topic}-0.`, []])
    expect(await pollBatches(source, 500)).toEqual([])
  })
})
