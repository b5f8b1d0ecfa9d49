import { describe, expect, test } from 'vitest'
import { Cluster, pollError, readValues, until } from '../support/cluster.ts'
import { Holder } from '../support/holder.ts'
import { consumeMessages, RawClients } from '../support/raw-clients.ts'

describe('the client', () => {
  test('goes from an offset that is gone to the end, and passes over what is between without a word', async () => {
    await using cluster = new Cluster()
    await using raw = new RawClients()
    const topic = await cluster.topic()
    await cluster.writeNumbers(topic, 10)
    const admin = await cluster.admin()
    await admin.deleteRecords([{ topic, partition: 0, offset: 4 }])
    const consumer = await raw.consumer({ 'enable.partition.eof': true })
    let end = -1
    consumer.on('partition.eof', ({ offset }: { readonly offset: number }) => {
      end = offset
    })
    consumer.assign([{ topic, partition: 0, offset: 2 }])
    const read = consumeMessages(consumer, 1)
    await until('an end is told', () => end >= 0)
    expect(end).toBe(10)
    await cluster.writeNumbers(topic, 1)
    expect((await read).map(({ offset }) => offset)).toEqual([10])
  })
})

/** A group that has committed `offset` and whose member begins there. */
async function resume(cluster: Cluster, topic: string, offset: number) {
  const groupId = cluster.name()
  const earlier = await cluster.source({ groupId })
  await earlier.commit([{ topic, partition: 0, offset }])
  await earlier.close()
  const holder = new Holder()
  const source = await cluster.source({ groupId })
  holder.source = source
  await source.subscribe([topic], holder)
  return { source, groupId }
}

describe.each([
  ['confluent', 'classic'],
  ['confluent', 'consumer'],
  ['packed', 'classic'],
  ['packed', 'consumer'],
] as const)('with the client %s and the %s protocol, the transport', (client, groupProtocol) => {
  test.each([
    ['behind the end, as that of a topic made anew', 99, 'the partition holds 4 to 10.'],
    ['of records deleted meanwhile', 2, 'the partition holds 4 to 10.'],
  ])('names a committed offset %s, and says what to do', async (_, offset, holds) => {
    await using cluster = new Cluster({ client, groupProtocol })
    const topic = await cluster.topic()
    await cluster.writeNumbers(topic, 10)
    const admin = await cluster.admin()
    await admin.deleteRecords([{ topic, partition: 0, offset: 4 }])
    const { source, groupId } = await resume(cluster, topic, offset)
    const { error, values } = await pollError(source)
    expect(values).toEqual([])
    expect(error).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', stage: 'source', retryable: false, topic, partition: 0, offset })
    const { message } = error as Error
    expect(message).toContain(`Offset ${offset} of ${topic}-0 is out of range: ${holds}`)
    expect(message).toContain(`stop all members of group '${groupId}' and set its offset for this partition`)
    // Nothing moves by itself, here or in the group.
    await expect(source.poll(0)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
    expect(await source.committed([{ topic, partition: 0 }])).toEqual([{ topic, partition: 0, offset }])
    await source.seek([{ topic, partition: 0, offset: 8 }])
    expect(await readValues(source, 2)).toEqual(['8', '9'])
  })

  test.each([
    ['first', 4],
    ['last', 10],
  ])('takes the %s offset there is for what it is', async (_, offset) => {
    await using cluster = new Cluster({ client, groupProtocol })
    const topic = await cluster.topic()
    await cluster.writeNumbers(topic, 10)
    const admin = await cluster.admin()
    await admin.deleteRecords([{ topic, partition: 0, offset: 4 }])
    const { source } = await resume(cluster, topic, offset)
    await until('the end is told', async () => (await source.poll(100)).ends.length > 0)
    await cluster.writeNumbers(topic, 1)
    expect(await readValues(source, 1)).toEqual(['0'])
  })
})
