import { expect, test } from 'vitest'
import { Cluster, pollError, readValues, until } from '../support/cluster.ts'

test('a topic that was deleted and made anew, longer than it was, is not read on as if it were the same', async () => {
  await using cluster = new Cluster({ client: 'packed' })
  const [topic, other] = [await cluster.topic(), await cluster.topic()]
  await cluster.writeNumbers(topic, 3)
  const source = await cluster.source()
  await source.assign([
    { topic, partition: 0, offset: 0 },
    { topic: other, partition: 0, offset: 0 },
  ])
  await readValues(source, 3)
  const admin = await cluster.admin()
  await admin.deleteTopics([topic])
  await until('the topic is gone', async () => (await admin.describeTopics([topic])).length === 0)
  await admin.createTopics([{ topic, partitions: 1 }])
  await cluster.writeNumbers(topic, 10)
  const { error } = await pollError(source)
  expect(error).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', retryable: false, topic, partition: 0, offset: 3 })
  expect((error as Error).message).toContain('made anew')
})
