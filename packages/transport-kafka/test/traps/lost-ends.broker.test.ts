import { setTimeout as pause } from 'node:timers/promises'
import { MillraceError } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { Cluster, until } from '../support/cluster.ts'
import { consume, RawClients } from '../support/raw-clients.ts'

const OFFSET_OUT_OF_RANGE = -140
const ROUNDS = 10
/** Looks for what a new client brings: it takes long to connect on a busy machine. */
const LOOKS = 20

describe('the client', () => {
  test('forgets the end of a partition over the error of another behind it', async () => {
    await using cluster = new Cluster()
    const topic = await cluster.topic(2)
    for (const partition of [0, 1]) await cluster.writeNumbers(topic, 3, partition)
    let forgotten = 0
    // Which of both comes first is not for us to say.
    for (let round = 0; round < ROUNDS && forgotten === 0; round++) {
      await using raw = new RawClients()
      const consumer = await raw.consumer({ 'enable.partition.eof': true }, { 'auto.offset.reset': 'error' })
      const ends: number[] = []
      consumer.on('partition.eof', ({ partition }: { readonly partition: number }) => void ends.push(partition))
      consumer.assign([0, 1].map((partition) => ({ topic, partition, offset: partition === 0 ? 3 : 99 })))
      let code = 0
      // Both are there by then, or neither: one answer of the broker brings them.
      for (let looks = 0; looks < LOOKS && code === 0 && ends.length === 0; looks++) {
        await pause(500)
        code = await consume(consumer).then(
          () => 0,
          (error: unknown) => (error as { readonly code: number }).code,
        )
      }
      // Were it only late, it would come now.
      await pause(500)
      await consume(consumer).catch(() => [])
      if (code === OFFSET_OUT_OF_RANGE && ends.length === 0) forgotten++
    }
    expect(forgotten).toBe(1)
  })
})

describe.each(['confluent', 'packed'] as const)('with the client %s', (client) => {
  describe('the end of a partition', () => {
    test('is told though the client forgets it over the error of another partition', async () => {
      await using cluster = new Cluster({ client })
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
})
