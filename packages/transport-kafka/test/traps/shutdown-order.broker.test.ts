import { setImmediate as nextTurn } from 'node:timers/promises'
import { silentLogger } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { openBroker } from '../../../../tools/broker/broker.mjs'
import { promised } from '../../src/confluent/promised.ts'
import type { RawError } from '../../src/confluent/raw-api.ts'
import { batchOf, Cluster, pollBatches, until } from '../support/cluster.ts'
import { memberIds } from '../support/evict.ts'
import { Holder } from '../support/holder.ts'
import { consumeUntil, RawClients } from '../support/raw-clients.ts'

const REVOKE_PARTITIONS = -174
/** Only tells what hangs: a hook's commit ends after 2 s here, an abort after 10, and letting go of connections after 15. */
const LIMIT_MS = 40_000
const context = { logger: silentLogger }

describe('the client', () => {
  test('can neither commit nor say what protocol it has in the revoke that comes while it disconnects', async () => {
    await using cluster = new Cluster()
    await using raw = new RawClients()
    const topic = await cluster.topic()
    const seen: unknown[] = []
    let assigned = false
    const consumer = await raw.consumer({
      'partition.assignment.strategy': 'cooperative-sticky',
      rebalance_cb: (error: RawError, partitions: never[]) => {
        if (error.code !== REVOKE_PARTITIONS) {
          consumer.incrementalAssign(partitions)
          assigned = true
          return
        }
        seen.push(consumer.rebalanceProtocol())
        try {
          consumer.commit([{ topic, partition: 0, offset: 1 }])
        } catch (thrown) {
          seen.push(String(thrown))
        }
        consumer.unassign()
      },
    })
    consumer.subscribe([topic])
    await consumeUntil(consumer, 'it is assigned', () => assigned)
    await promised('disconnect', 30_000, (callback) => consumer.disconnect(callback))
    expect(seen).toEqual(['NONE', expect.stringContaining('disconnected')])
  })
})

async function member(cluster: Cluster, topic: string, groupId = cluster.name()) {
  const holder = new Holder()
  const source = await cluster.source({ groupId })
  holder.source = source
  await source.subscribe([topic], holder)
  return { source, holder, groupId }
}

describe.each([
  ['confluent', 'classic'],
  ['confluent', 'consumer'],
  ['packed', 'classic'],
  ['packed', 'consumer'],
] as const)('with the client %s and the %s protocol, a source', (client, groupProtocol) => {
  test('that closes finishes its hook, commits, and has left its group', async () => {
    await using cluster = new Cluster({ client, groupProtocol })
    const topic = await cluster.topic()
    await cluster.writeNumbers(topic, 10)
    const { source, holder, groupId } = await member(cluster, topic)
    await until('it is assigned', () => holder.held.length === 1)
    const order: string[] = []
    holder.next.set(`${topic} 0`, 5)
    holder.beforeCommit = async () => {
      // As an engine does: something is still committed by itself while it finishes.
      await source.commit([{ topic, partition: 0, offset: 4 }])
      order.push('committed')
    }
    await source.close()
    order.push('closed')
    expect(order).toEqual(['committed', 'closed'])
    expect(holder.held).toEqual([])
    expect(await memberIds(groupId)).toEqual([])
    const admin = await cluster.admin()
    expect(await admin.committedOffsets(groupId, [{ topic, partition: 0 }])).toMatchObject([{ offset: 5 }])
  })

  test('closes at any moment of joining, and is no member then', async () => {
    await using cluster = new Cluster({ client, groupProtocol })
    const topic = await cluster.topic()
    const turns = [0, 1, 3, 10, 30, 100]
    for (const count of turns) {
      const { source, holder, groupId } = await member(cluster, topic)
      for (let turn = 0; turn < count; turn++) await nextTurn()
      await source.close()
      expect(holder.held).toEqual([])
      await until('nobody is a member', async () => (await memberIds(groupId)).length === 0)
    }
  })

  test('closes while a poll, a commit, a seek and questions are under way, all of which end', async () => {
    await using cluster = new Cluster({ client, groupProtocol })
    const topic = await cluster.topic()
    await cluster.writeNumbers(topic, 10_000)
    const { source, holder, groupId } = await member(cluster, topic)
    await until('it reads', async () => (await pollBatches(source)).length > 0)
    const underWay = [
      source.poll(60_000),
      source.commit([{ topic, partition: 0, offset: 3 }]),
      source.seek([{ topic, partition: 0, offset: 0 }]),
      source.committed([{ topic, partition: 0 }]),
    ]
    const closed = source.close()
    const outcomes = await Promise.allSettled(underWay)
    await closed
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled'])
    expect(holder.held).toEqual([])
    expect(await memberIds(groupId)).toEqual([])
  })
})

describe.concurrent.each(['confluent', 'packed'] as const)('everything of the client %s', (client) => {
  test('closes in time when the broker is gone, and says what did not get through', { timeout: 3 * LIMIT_MS }, async () => {
    // One of our own, whatever broker the others use.
    const broker = await openBroker({}, { ...process.env, KAFKA_BROKERS: '' })
    try {
      await using cluster = new Cluster({
        brokers: broker.brokers,
        client,
        requestTimeoutMs: 2_000,
        producer: { 'message.timeout.ms': 3_000 },
      })
      const topic = await cluster.topic()
      const members = await Promise.all(
        (['classic', 'consumer'] as const).map(async (groupProtocol) => {
          const { transport } = new Cluster({ brokers: broker.brokers, client, groupProtocol, requestTimeoutMs: 2_000 })
          const source = await transport.openSource({ clientId: 'c', groupId: cluster.name(), isolation: 'read-committed' }, context)
          const holder = new Holder()
          holder.source = source
          await source.subscribe([topic], holder)
          await until('it is assigned', () => holder.held.length === 1)
          return { source, holder }
        }),
      )
      const writer = await cluster.writer()
      const transactional = await cluster.writer({ transactionalId: cluster.name() })
      await transactional.begin()
      for (const one of [writer, transactional]) await one.writeBatch(batchOf(topic, [{ value: 'a' }]))
      expect(await writer.flush()).toEqual([])
      const admin = await cluster.admin()
      await broker.kill(0)
      const commits = members.map(({ source }) => source.commit([{ topic, partition: 0, offset: 1 }]))
      const question = admin.describeTopics([topic])
      await writer.writeBatch(batchOf(topic, [{ value: 'b' }]))
      const began = performance.now()
      const closing = Promise.all([...members.map(({ source }) => source.close()), writer.close(), transactional.close(), admin.close()])
      const outcomes = await Promise.allSettled([...commits, question])
      await closing
      expect(performance.now() - began).toBeLessThan(LIMIT_MS)
      expect(outcomes).toMatchObject([0, 1, 2].map(() => ({ status: 'rejected', reason: { retryable: true } })))
      for (const { holder } of members) expect(holder.calls.map(({ hook }) => hook)).toEqual(['assigned', 'revoked'])
    } finally {
      await broker.stop()
    }
  })
})
