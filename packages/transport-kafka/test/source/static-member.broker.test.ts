import { randomUUID } from 'node:crypto'
import { silentLogger } from '@millrace/core'
import { expect, inject, test } from 'vitest'
import { kafka, type KafkaOptions } from '../../src/index.ts'
import { joinGroup } from '../support/group-member.ts'

const context = { logger: silentLogger }

function join({ groupId, topic, ...options }: Joining) {
  const consumer = options.groupProtocol === 'classic' ? { consumer: { 'session.timeout.ms': 20_000 } } : {}
  return joinGroup(kafka({ brokers: inject('kafkaBrokers'), ...options, ...consumer }), groupId, topic)
}

interface Joining extends Pick<KafkaOptions, 'client' | 'groupProtocol' | 'groupInstanceId'> {
  readonly groupId: string
  readonly topic: string
}

test.each([
  { client: 'confluent', groupProtocol: 'classic' },
  { client: 'confluent', groupProtocol: 'consumer' },
  { client: 'packed', groupProtocol: 'consumer' },
] as const)(
  'a static member of a $groupProtocol group that is closed and comes back has its partitions again, and nobody else has noticed: $client',
  { timeout: 60_000 },
  async (options) => {
    const id = randomUUID().slice(0, 8)
    await using admin = await kafka({ brokers: inject('kafkaBrokers') }).openAdmin(context)
    await admin.createTopics([{ topic: id, partitions: 4 }])
    const joining = { groupId: `group-${id}`, topic: id, ...options }
    const other = await join(joining)
    await expect.poll(() => other.held.size).toBe(4)
    const first = await join({ ...joining, groupInstanceId: 'one' })
    await expect.poll(() => [first.held.size, other.held.size]).toEqual([2, 2])
    const had = [...first.held].toSorted()
    const changes = other.changes()
    await first.close()
    const again = await join({ ...joining, groupInstanceId: 'one' })
    await expect.poll(() => [...again.held].toSorted()).toEqual(had)
    expect(other.changes()).toBe(changes)
    expect(other.held.size).toBe(2)
    await again.close()
    await other.close()
  },
)
