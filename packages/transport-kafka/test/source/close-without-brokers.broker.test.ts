import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openBroker } from '../../../../tools/broker/broker.mjs'
import { Cluster, pollBatches, until } from '../support/cluster.ts'

/** Until questions about quiet partitions and new topics are under way. */
const AWAY_MS = 9_000
/** Only tells what hangs: a close waits 3 s for a broker, and 7 s for a question, which six of them ask at once on the few threads that there are. */
const LIMIT_MS = 40_000

const clients = ['confluent', 'packed'] as const
const protocols = ['classic', 'consumer'] as const

test('with all limits as they are by default, a source closes soon though its brokers are away', { timeout: 3 * LIMIT_MS }, async () => {
  // One of our own, whatever broker the others use.
  const broker = await openBroker({}, { ...process.env, KAFKA_BROKERS: '' })
  const clusters = clients.flatMap((client) =>
    protocols.map((groupProtocol) => new Cluster({ brokers: broker.brokers, client, groupProtocol })),
  )
  try {
    const sources = await Promise.all(
      clusters.flatMap((cluster) =>
        [false, true].map(async (byPattern) => {
          const topic = await cluster.topic()
          const source = await cluster.source({ groupId: cluster.name() })
          let assigned = false
          const onAssigned = async (partitions: readonly { readonly topic: string; readonly partition: number }[]) => {
            assigned = true
            return partitions.map((at) => ({ ...at, offset: 0 }))
          }
          await source.subscribe([byPattern ? new RegExp(`^${topic}$`) : topic], {
            onAssigned,
            onRevoked: async () => {},
            onLost: async () => {},
          })
          await until('it is assigned', async () => {
            await pollBatches(source)
            return assigned
          })
          return source
        }),
      ),
    )
    const joining = await Promise.all(clusters.map((cluster) => cluster.source({ groupId: cluster.name() })))
    await broker.kill(0)
    const never = { onAssigned: async () => [], onRevoked: async () => {}, onLost: async () => {} }
    for (const source of joining) await source.subscribe(['nowhere'], never)
    const polling = sources.map(async (source) => {
      for (const end = performance.now() + AWAY_MS; performance.now() < end;) await source.poll(500)
    })
    await Promise.all([...polling, pause(AWAY_MS)])
    const took = await Promise.all(
      [...sources, ...joining].map(async (source) => {
        const began = performance.now()
        await source.close()
        return performance.now() - began
      }),
    )
    expect(Math.max(...took)).toBeLessThan(LIMIT_MS)
  } finally {
    for (const cluster of clusters) await cluster[Symbol.asyncDispose]()
    await broker.stop()
  }
})
