import type { MillraceError } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { promised } from '../../src/confluent/promised.ts'
import type { RawError, RawTopicPartition } from '../../src/confluent/raw-api.ts'
import { Cluster, until } from '../support/cluster.ts'
import { evict } from '../support/evict.ts'
import { Holder } from '../support/holder.ts'
import { consume, RawClients } from '../support/raw-clients.ts'

const UNKNOWN_TOPIC = 3

describe('the client', () => {
  test('calls back without an error for a commit that the broker refuses, and tells the truth in an event, which needs a consume', async () => {
    await using cluster = new Cluster({ client: 'confluent' })
    await using raw = new RawClients()
    const events: { readonly error: RawError | null | undefined; readonly offsets: readonly RawTopicPartition[] }[] = []
    const consumer = await raw.member([await cluster.topic()], {
      offset_commit_cb: (error: RawError | null | undefined, offsets: readonly RawTopicPartition[]) => events.push({ error, offsets }),
    })
    const refused = { topic: cluster.name(), partition: 0, offset: 1 }
    await promised('commit', 30_000, (callback) => consumer.commitCb([refused], callback))
    // Time for the broker to answer: this question is asked after it, of the same coordinator.
    await promised('committed', 30_000, (callback) => consumer.committed([refused], 30_000, callback as never))
    expect(events).toEqual([])
    await until('the answer is told', async () => {
      await consume(consumer)
      return events.length > 0
    })
    expect(events[0]?.error).toMatchObject({ code: UNKNOWN_TOPIC })
    expect(events[0]?.offsets).toMatchObject([refused])
  })

  test('leaves out the offset of a partition that has none', async () => {
    await using cluster = new Cluster({ client: 'confluent' })
    await using raw = new RawClients()
    const topic = await cluster.topic()
    const consumer = await raw.consumer()
    const asked = [{ topic, partition: 0 }]
    const committed = await promised('committed', 30_000, (callback) => consumer.committed(asked, 30_000, callback as never))
    expect(committed).toEqual(asked)
  })
})

describe.each([
  ['confluent', 'classic'],
  ['confluent', 'consumer'],
  ['packed', 'classic'],
  ['packed', 'consumer'],
] as const)('by the client %s with the %s protocol, the transport', (client, groupProtocol) => {
  async function member(cluster: Cluster, groupId: string, topic: string) {
    const holder = new Holder()
    const source = await cluster.source({ groupId })
    holder.source = source
    await source.subscribe([topic], holder)
    await until('it is assigned', () => holder.held.length === 1)
    return { source, holder }
  }

  test('rejects a commit for a topic that does not exist, and takes the next', async () => {
    await using cluster = new Cluster({ client, groupProtocol })
    const topic = await cluster.topic()
    const source = await cluster.source({ groupId: cluster.name() })
    const nowhere = { topic: cluster.name(), partition: 0, offset: 1 }
    const refused = { code: 'UNKNOWN_TOPIC', stage: 'commit', retryable: false }
    await expect(source.commit([nowhere])).rejects.toMatchObject({ ...refused, ...nowhere })
    await expect(source.commit([nowhere, { topic, partition: 0, offset: 1 }])).rejects.toMatchObject(refused)
    await source.commit([{ topic, partition: 0, offset: 2 }])
    expect(await source.committed([{ topic, partition: 0 }])).toEqual([{ topic, partition: 0, offset: 2 }])
  })

  test('rejects a commit of somebody who is no member, while there are members', async () => {
    await using cluster = new Cluster({ client, groupProtocol })
    const topic = await cluster.topic()
    const groupId = cluster.name()
    const { source } = await member(cluster, groupId, topic)
    await source.commit([{ topic, partition: 0, offset: 3 }])
    const stranger = await cluster.source({ groupId })
    await expect(stranger.commit([{ topic, partition: 0, offset: 9 }])).rejects.toMatchObject({ code: 'COMMIT_REFUSED', topic, offset: 9 })
    expect(await source.committed([{ topic, partition: 0 }])).toEqual([{ topic, partition: 0, offset: 3 }])
  })

  test('rejects every commit of a member that was put out of its group, though it soon joins again', async () => {
    await using cluster = new Cluster({ client, groupProtocol })
    const topic = await cluster.topic()
    const groupId = cluster.name()
    const { source, holder } = await member(cluster, groupId, topic)
    const commit = (offset: number) => source.commit([{ topic, partition: 0, offset }])
    await commit(3)
    let goOn = () => {}
    holder.beforeLost = () =>
      new Promise((resolve) => {
        goOn = resolve
      })
    await evict(groupId, groupProtocol)
    const outcomes = await Promise.allSettled([9, 10, 11].map((offset) => commit(offset)))
    await until('it is told', async () => {
      outcomes.push(...(await Promise.allSettled([commit(12)])))
      return holder.calls.some(({ hook }) => hook === 'lost')
    })
    expect(outcomes.map((outcome) => (outcome.status === 'rejected' ? (outcome.reason as MillraceError).code : 'committed'))).toEqual(
      outcomes.map(() => 'COMMIT_REFUSED'),
    )
    // From here on the broker would take it, as soon as the member has joined again.
    await expect(commit(13)).rejects.toThrow(`Offset 13 of ${topic}-0 was not committed: the partition is not assigned to this member`)
    goOn()
    await until('it is a member again', () => holder.calls.length === 3 && holder.held.length === 1)
    expect(holder.next.get(`${topic} 0`)).toBe(3)
    await commit(4)
    expect(holder.calls.map(({ hook }) => hook)).toEqual(['assigned', 'lost', 'assigned'])
  })
})
