import { partitionKey, type RecordSource } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { Cluster, until } from '../support/cluster.ts'
import { Holder } from '../support/holder.ts'
import { consume, RawClients } from '../support/raw-clients.ts'

const REVOKE_PARTITIONS = -174

describe('the client', () => {
  test('tells of a revoke while a consume is in flight, which then brings records of the partition revoked', async () => {
    await using cluster = new Cluster({ client: 'confluent' })
    await using raw = new RawClients()
    const topic = await cluster.topic(2)
    for (const partition of [0, 1]) await cluster.writeNumbers(topic, 10, partition)
    const order: string[] = []
    const group = { 'group.id': cluster.name(), 'partition.assignment.strategy': 'cooperative-sticky', 'heartbeat.interval.ms': 300 }
    let assigned = 0
    const consumer = await raw.joining([topic], group, (error, partitions) => {
      if (error.code === REVOKE_PARTITIONS) order.push(...partitions.map(({ partition }) => `revoked ${partition}`))
      else assigned += partitions.length
    })
    // It is in flight until it has forty, of which there are twenty.
    consumer.setDefaultConsumeTimeout(25_000)
    const consumed = consume(consumer, 40).then((messages) => {
      order.push(...new Set(messages.map(({ partition }) => `consumed ${partition}`)))
    })
    await until('it has both', () => assigned === 2)
    const other = await raw.joining([topic], group)
    await until('a partition is revoked', async () => {
      await consume(other)
      return order.length > 0
    })
    const [revoked = ''] = order
    expect(revoked).toMatch(/^revoked \d$/)
    await cluster.writeNumbers(topic, 20, revoked === 'revoked 0' ? 1 : 0)
    await consumed
    expect(order.slice(1).toSorted()).toEqual(['consumed 0', 'consumed 1'])
  })
})

/** Polls a source for as long as it is open, and notes what it is handed, by the key of the partition. */
class Reader {
  readonly source: RecordSource
  readonly holder = new Holder()
  polls = 0
  readonly #seen: Map<string, number[]>
  #open = true
  #loop: Promise<void> = Promise.resolve()

  constructor(source: RecordSource, seen: Map<string, number[]>) {
    this.source = source
    this.#seen = seen
    this.holder.source = source
    // Polls go on while the hook works: all of them must keep back what is being given up.
    this.holder.beforeCommit = () => {
      const polls = this.polls + 3
      return until('three more polls have ended', () => this.polls >= polls || !this.#open)
    }
  }

  async join(topic: string): Promise<void> {
    await this.source.subscribe([topic], this.holder)
    this.#loop = this.#read()
  }

  async leave(): Promise<void> {
    this.#open = false
    await this.#loop
    await this.source.close()
  }

  async #read(): Promise<void> {
    while (this.#open) {
      const { batches } = await this.source.poll(20)
      for (const { topic, partition, offsets, length } of batches) {
        const key = partitionKey(topic, partition)
        if (!this.holder.next.has(key)) throw new Error(`Records of ${key} came to a member that does not hold it.`)
        this.#seen.get(key)?.push(...Array.from(offsets))
        this.holder.next.set(key, (offsets[length - 1] as number) + 1)
      }
      this.polls++
    }
  }
}

describe.each([
  ['confluent', 'classic', false],
  ['confluent', 'classic', true],
  ['confluent', 'consumer', false],
  ['packed', 'classic', false],
  ['packed', 'classic', true],
  ['packed', 'consumer', false],
] as const)('by the client %s with the %s protocol (coLocate: %s), the transport', (client, groupProtocol, coLocate) => {
  test('hands out nothing of a partition once onRevoked has begun, so that every record goes to one member, in order', async () => {
    const session = groupProtocol === 'classic' ? { 'heartbeat.interval.ms': 300 } : {}
    await using cluster = new Cluster({ client, groupProtocol, consumer: session })
    const partitions = [0, 1, 2]
    const topic = await cluster.topic(partitions.length)
    const count = 60_000
    for (const partition of partitions) await cluster.writeNumbers(topic, count, partition)
    const seen = new Map(partitions.map((partition) => [partitionKey(topic, partition), [] as number[]]))
    const groupId = cluster.name()
    const open = async () => new Reader(await cluster.source({ groupId, coLocate, maxPollRecords: 50 }), seen)
    const first = await open()
    await first.join(topic)
    await until('the first reads', () => first.polls > 10)
    const second = await open()
    await second.join(topic)
    await until('both hold some', () => first.holder.held.length > 0 && second.holder.held.length > 0)
    const polls = second.polls + 10
    await until('both read', () => second.polls > polls)
    await first.leave()
    await until('the second holds all', () => second.holder.held.length === partitions.length)
    await until('all is read', () => [...seen.values()].every(({ length }) => length >= count))
    await second.leave()
    const all = Array.from({ length: count }, (_, i) => i)
    for (const offsets of seen.values()) expect(offsets).toEqual(all)
    expect(first.holder.calls.map(({ hook }) => hook)).toContain('revoked')
  })
})
