import { describe, expect, test } from 'vitest'
import { addPartitions } from '../support/add-partitions.ts'
import { Cluster } from '../support/cluster.ts'

describe.each(['confluent', 'packed'] as const)('with the client %s', (client) => {
  describe('an admin client that has asked for offsets of a topic before', () => {
    test('finds those of partitions that were added since, though the client remembers fewer', async () => {
      await using cluster = new Cluster({ client })
      const topic = await cluster.topic(1)
      const admin = await cluster.admin()
      const before = { topic, partition: 0 }
      const added = { topic, partition: 1 }
      expect(await admin.endOffsets([before], 'read-uncommitted')).toMatchObject([{ ...before, offset: 0 }])
      await addPartitions(topic, 2)
      // Alone, and beside one that is known: the client fails in different ways.
      expect(await admin.endOffsets([added], 'read-uncommitted')).toMatchObject([{ ...added, offset: 0 }])
      await addPartitions(topic, 3)
      const both = [before, { topic, partition: 2 }]
      expect(await admin.beginningOffsets(both)).toMatchObject(both.map((at) => ({ ...at, offset: 0 })))
    })

    test('says of a partition that does not exist that it does not', async () => {
      await using cluster = new Cluster({ client })
      const topic = await cluster.topic(1)
      const admin = await cluster.admin()
      await expect(admin.beginningOffsets([{ topic, partition: 1 }])).rejects.toMatchObject({
        code: 'UNKNOWN_TOPIC',
        retryable: false,
        message: expect.stringMatching(new RegExp(`there is no ${topic}-1`, 'i')) as string,
      })
    })
  })
})
