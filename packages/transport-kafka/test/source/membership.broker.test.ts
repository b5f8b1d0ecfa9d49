import { silentLogger } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { batchOf, Cluster, pollBatches, until, valuesOf } from '../support/cluster.ts'
import { Holder } from '../support/holder.ts'
import { Program } from '../support/program.ts'
import type { KafkaOptions } from '../../src/index.ts'

async function join(
  cluster: Cluster,
  options: { readonly groupId: string; readonly topics: readonly (string | RegExp)[]; readonly coLocate?: boolean },
) {
  const holder = new Holder()
  const { groupId, coLocate = false } = options
  const source = await cluster.source({ groupId, coLocate })
  holder.source = source
  await source.subscribe(options.topics, holder)
  return { holder, source }
}

describe.each(['confluent', 'packed'] as const)('with the client %s', (client) => {
  describe('a member that nobody polls', () => {
    test('hands over partitions though more records wait than anybody could take, and loses none', async () => {
      await using cluster = new Cluster({ client })
      const topic = await cluster.topic(2)
      const count = 60_000
      const writer = await cluster.writer()
      for (const partition of [0, 1]) {
        await writer.writeBatch(
          batchOf(
            topic,
            Array.from({ length: count }, (_, i) => ({ value: String(i), partition })),
          ),
        )
      }
      expect(await writer.flush()).toEqual([])
      const groupId = cluster.name()
      const first = await join(cluster, { groupId, topics: [topic] })
      await until('the first holds both', () => first.holder.held.length === 2)
      await first.source.poll(1_000).then(({ batches }) => expect(batches.length).toBeGreaterThan(0))
      const second = await join(cluster, { groupId, topics: [topic] })
      await until('each holds one', () => first.holder.held.length === 1 && second.holder.held.length === 1)
      const [moved] = second.holder.held
      const seen: number[] = []
      await until('the second has read its partition', async () => {
        for (const batch of await pollBatches(second.source)) {
          expect(`${topic} ${batch.partition}`).toBe(moved)
          for (const value of valuesOf(batch)) seen.push(Number(value))
        }
        return seen.length >= count
      })
      expect(seen).toEqual(Array.from({ length: count }, (_, i) => i))
    })

    test('goes on where it was when it is polled again', async () => {
      await using cluster = new Cluster({ client })
      const topic = await cluster.topic(2)
      await cluster.writeNumbers(topic, 30_000, 0)
      await cluster.writeNumbers(topic, 30_000, 1)
      const { source, holder } = await join(cluster, { groupId: cluster.name(), topics: [topic] })
      const seen: number[][] = [[], []]
      await until('something is read', async () => {
        for (const batch of await pollBatches(source)) for (const value of valuesOf(batch)) seen[batch.partition]?.push(Number(value))
        return seen.flat().length > 0
      })
      // By then the client has been told to pause everything; what makes it so is a commit, which is answered only after that.
      const began = performance.now()
      await until('nobody has polled for long', async () => {
        await source.commit([{ topic, partition: 0, offset: 0 }])
        return performance.now() - began > 1_500
      })
      await until('everything is read', async () => {
        for (const batch of await pollBatches(source)) for (const value of valuesOf(batch)) seen[batch.partition]?.push(Number(value))
        return seen.flat().length >= 60_000
      })
      const all = Array.from({ length: 30_000 }, (_, i) => i)
      expect(seen).toEqual([all, all])
      expect(holder.calls.map(({ hook }) => hook)).not.toContain('revoked')
    })
  })

  describe('members that get the same partitions of each topic', () => {
    // By librdkafka's range all; by ours what moves.
    const givenUp = client === 'confluent' ? 4 : 2

    test('give up, commit, and get their new share', async () => {
      await using cluster = new Cluster({ client })
      const topics = [await cluster.topic(2), await cluster.topic(2)]
      for (const topic of topics) for (const partition of [0, 1]) await cluster.writeNumbers(topic, 3, partition)
      const groupId = cluster.name()
      const first = await join(cluster, { groupId, topics, coLocate: true })
      await until('the first holds all', () => first.holder.held.length === 4)
      for (const key of first.holder.next.keys()) first.holder.next.set(key, 2)
      const second = await join(cluster, { groupId, topics, coLocate: true })
      await until('both hold half', async () => {
        await Promise.all([first.source.poll(20), second.source.poll(20)])
        return first.holder.held.length === 2 && second.holder.held.length === 2
      })
      expect(first.holder.calls.map(({ hook, partitions }) => [hook, partitions.length])).toContainEqual(['revoked', givenUp])
      const numbers = ({ holder }: typeof first) => new Set(holder.held.map((key) => key.split(' ')[1]))
      expect(numbers(first).size).toBe(1)
      expect(numbers(second).size).toBe(1)
      // Read on from what was committed on the way.
      expect([...first.holder.next.values(), ...second.holder.next.values()]).toEqual([2, 2, 2, 2])
      await first.source.close()
      await until('the second holds all', async () => {
        await second.source.poll(20)
        return second.holder.held.length === 4
      })
    })
  })

  describe('a subscription', () => {
    test('by a pattern takes what JavaScript takes', async () => {
      await using cluster = new Cluster({ client })
      const prefix = cluster.name()
      const admin = await cluster.admin()
      await admin.createTopics(
        ['Orders-1', 'orders-22', 'orders-x', 'archive-orders-3'].map((name) => ({ topic: `${prefix}-${name}`, partitions: 1 })),
      )
      const { holder } = await join(cluster, { groupId: cluster.name(), topics: [new RegExp(`^${prefix}-(?!archive)orders-\\d+$`, 'iu')] })
      await until('two match', () => holder.held.length === 2)
      expect(holder.held).toEqual([`${prefix}-Orders-1 0`, `${prefix}-orders-22 0`])
    })

    test('to a topic that does not exist says so, and reads it once it does', async () => {
      await using cluster = new Cluster({ client, properties: { 'topic.metadata.refresh.interval.ms': 500 } })
      const topic = cluster.name()
      const { source, holder } = await join(cluster, { groupId: cluster.name(), topics: [topic] })
      await expect(source.poll(20_000)).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC', retryable: true, topic })
      const admin = await cluster.admin()
      await admin.createTopics([{ topic, partitions: 1 }])
      await until('it is assigned', async () => {
        await source.poll(100).catch(() => undefined)
        return holder.held.length === 1
      })
    })
  })

  describe('leaving a group', () => {
    test('waits for onRevoked, which commits, and tells whoever closes what went wrong there', async () => {
      await using cluster = new Cluster({ client })
      const topic = await cluster.topic()
      await cluster.writeNumbers(topic, 10)
      const groupId = cluster.name()
      const { source, holder } = await join(cluster, { groupId, topics: [topic] })
      await until('it is assigned', () => holder.held.length === 1)
      holder.next.set(`${topic} 0`, 5)
      await source.close()
      const admin = await cluster.admin()
      expect(await admin.committedOffsets(groupId, [{ topic, partition: 0 }])).toEqual([{ topic, partition: 0, offset: 5 }])
      const failure = new Error('could not finish')
      holder.beforeCommit = () => Promise.reject(failure)
      const failing = await cluster.transport.openSource(
        { clientId: 'c', groupId, isolation: 'read-uncommitted' },
        { logger: silentLogger },
      )
      holder.source = failing
      await failing.subscribe([topic], holder)
      await until('it is assigned', () => holder.held.length === 1)
      await expect(failing.close()).rejects.toBe(failure)
    })

    test('does not begin what is assigned on the way out', async () => {
      await using cluster = new Cluster({ client })
      const topic = await cluster.topic()
      for (let i = 0; i < 3; i++) {
        const { source, holder } = await join(cluster, { groupId: cluster.name(), topics: [topic] })
        await source.close()
        const hooks = holder.calls.map(({ hook }) => hook)
        expect([[], ['assigned', 'revoked']]).toContainEqual(hooks)
      }
    })
  })
})

describe.concurrent('a member whose process stands still', () => {
  const consumer = { 'session.timeout.ms': 2_000, 'heartbeat.interval.ms': 300 }
  const members: readonly Partial<KafkaOptions>[] = [
    { client: 'confluent', groupProtocol: 'classic', consumer },
    { client: 'packed', groupProtocol: 'consumer' },
  ]

  test.each(members)('has lost its partitions when it goes on, and commits nothing: $client, $groupProtocol', async (options) => {
    await using cluster = new Cluster(options)
    const topic = await cluster.topic(2)
    const groupId = cluster.name()
    await using program = new Program('member', cluster.brokers, groupId, topic, JSON.stringify(options))
    await until('the program holds both', () => program.lines.includes('assigned 0,1'))
    program.signal('SIGSTOP')
    const { source, holder } = await join(cluster, { groupId, topics: [topic] })
    await until('we hold both', async () => {
      await source.poll(50)
      return holder.held.length === 2
    })
    program.signal('SIGCONT')
    await until('the program has lost both', () => program.lines.includes('lost 0,1'))
    expect(program.lines.some((line) => line.startsWith('revoked'))).toBe(false)
    program.end()
    expect(await program.exit()).toBe(0)
  })
})
