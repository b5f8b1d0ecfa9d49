import { expect, test } from 'vitest'
import { Cluster, pollBatches, until, valuesOf } from '../support/cluster.ts'

/** Keys and their hashes as Kafka's own tests have them. */
const MURMUR2: ReadonlyMap<string, number> = new Map([
  ['21', -973_932_308],
  ['foobar', -790_332_482],
  ['a-little-bit-long-string', -985_981_536],
  ['a-little-bit-longer-string', -1_486_304_829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58_897_971],
  ['abc', 479_470_107],
])

test.each([
  ['confluent', 3],
  ['confluent', 7],
  ['packed', 3],
  ['packed', 7],
] as const)("by the client %s a key goes to the one of %i partitions that Kafka's other clients choose", async (client, count) => {
  await using cluster = new Cluster({ client })
  const topic = await cluster.topic(count)
  await cluster.write(
    topic,
    [...MURMUR2.keys()].map((key) => ({ key, value: key })),
  )
  const source = await cluster.source()
  await source.assign(Array.from({ length: count }, (_, partition) => ({ topic, partition, offset: 0 })))
  const found = new Map<string, number>()
  await until('all are read', async () => {
    for (const batch of await pollBatches(source)) for (const value of valuesOf(batch)) found.set(value, batch.partition)
    return found.size === MURMUR2.size
  })
  expect(found).toEqual(new Map(Array.from(MURMUR2, ([key, hash]) => [key, (hash & 0x7f_ff_ff_ff) % count])))
})
