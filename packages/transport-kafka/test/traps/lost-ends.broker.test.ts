import { MillraceError } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { Cluster, until } from '../support/cluster.ts'

describe('the end of a partition', () => {
  test('is told though the client forgets it over the error of another partition', async () => {
    await using cluster = new Cluster()
    const topic = await cluster.topic(2)
    for (const partition of [0, 1]) await cluster.writeNumbers(topic, 3, partition)
    for (let round = 0; round < 5; round++) {
      const source = await cluster.source({ groupId: cluster.name() })
      await source.subscribe([topic], {
        onAssigned: async (partitions) => {
          // Everything has arrived when the client is asked again: what it then drops before the error it does not repeat.
          setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500))
          return partitions.map((at) => ({ ...at, offset: at.partition === 0 ? 3 : 99 }))
        },
        onRevoked: async () => {},
        onLost: async () => {},
      })
      const ends = new Set<number>()
      let lost = 0
      await until('both ends are told', async () => {
        try {
          for (const { partition } of (await source.poll(100)).ends) ends.add(partition)
        } catch (error) {
          if (!(error instanceof MillraceError && error.code === 'OFFSET_OUT_OF_RANGE')) throw error
          lost++
          await source.seek([{ topic, partition: 1, offset: 3 }])
        }
        return ends.size === 2
      })
      expect(lost).toBe(1)
      await source.close()
    }
  })
})
