import { PackedAdmin } from '@millrace/kafka-packed'
import { expect, test } from 'vitest'
import { Cluster, readValues, until } from '../support/cluster.ts'
import { Holder } from '../support/holder.ts'

test('a commit through the packed client says the epoch of the record before, and comes back without it', async () => {
  await using cluster = new Cluster({ client: 'packed' })
  const [topic, groupId] = [await cluster.topic(), cluster.name()]
  await cluster.writeNumbers(topic, 3)
  const source = await cluster.source({ groupId })
  const holder = new Holder()
  holder.source = source
  await source.subscribe([topic], holder)
  await until('it is assigned', () => holder.held.length === 1)
  await readValues(source, 3)
  await source.commit([{ topic, partition: 0, offset: 3 }])

  const [host = '', port = ''] = (cluster.brokers.split(',')[0] ?? '').split(':')
  await using admin = await PackedAdmin.open({ brokers: [{ host, port: Number(port) }] })
  expect(await admin.groupOffsets(groupId, [{ topic, partition: 0 }])).toEqual([{ topic, partition: 0, offset: 3, leaderEpoch: 0 }])
  expect(await source.committed([{ topic, partition: 0 }])).toEqual([{ topic, partition: 0, offset: 3 }])
})
