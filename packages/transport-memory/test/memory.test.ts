import { partitionForKey, silentLogger, type RebalanceListener, type TopicPartition } from '@millrace/core'
import { expect, it } from 'vitest'
import { memory } from '../src/index.ts'
import { readRecords, writeOf } from './support/records.ts'

const context = { logger: silentLogger }

it('spreads the partitions of a topic over two members, and hands out every record once', async () => {
  const transport = memory()
  await using admin = await transport.openAdmin(context)
  await admin.createTopics([{ topic: 'lines', partitions: 4 }])
  await using writer = await transport.openWriter({ clientId: 'w' }, context)
  const keys = Array.from({ length: 100 }, (_, i) => `key-${i}`)
  await writer.writeBatch(
    writeOf(
      'lines',
      keys.map((key) => ({ key, value: key })),
    ),
  )
  const log: string[] = []
  const fromStart = (name: string): RebalanceListener => ({
    async onAssigned(partitions) {
      log.push(`${name} + ${show(partitions)}`)
      return partitions.map((at) => ({ ...at, offset: 0 }))
    },
    async onRevoked(partitions) {
      log.push(`${name} - ${show(partitions)}`)
    },
    async onLost() {},
  })
  await using a = await transport.openSource({ groupId: 'g', clientId: 'a', isolation: 'read-uncommitted' }, context)
  await a.subscribe(['lines'], fromStart('a'))
  const first = await readRecords(a, 100)
  expect(new Set(first.map(({ key }) => key))).toEqual(new Set(keys))
  for (const { key, partition } of first) expect(partition).toBe(partitionForKey(new TextEncoder().encode(key as string), 4))
  await using b = await transport.openSource({ groupId: 'g', clientId: 'b', isolation: 'read-uncommitted' }, context)
  await b.subscribe(['lines'], fromStart('b'))
  const second = await readRecords(b, first.filter(({ partition }) => partition > 1).length)
  expect(new Set(second.map(({ partition }) => partition))).toEqual(new Set([2, 3]))
  expect(log).toEqual(['a + 0,1,2,3', 'a - 2,3', 'b + ', 'a + ', 'b + 2,3'])
  await a.commit([{ topic: 'lines', partition: 0, offset: 5 }])
  await expect(a.commit([{ topic: 'lines', partition: 3, offset: 5 }])).rejects.toMatchObject({ code: 'COMMIT_REFUSED' })
  expect(await admin.committedOffsets('g', [{ topic: 'lines', partition: 0 }])).toEqual([{ topic: 'lines', partition: 0, offset: 5 }])
})

function show(partitions: readonly TopicPartition[]): string {
  return partitions.map(({ partition }) => partition).join(',')
}
