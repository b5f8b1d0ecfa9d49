import { randomUUID } from 'node:crypto'
import { partitionKey, type RecordSource, silentLogger, type TopicPartition } from '@millrace/core'
import { expect, inject, test } from 'vitest'
import { kafka } from '../../src/index.ts'

const context = { logger: silentLogger }

/** Who joins a group and polls until it is closed; it counts how often it was given or lost something. */
async function join({ groupId, topic, groupInstanceId, groupProtocol }: Joining) {
  const transport = kafka({
    brokers: inject('kafkaBrokers'),
    groupProtocol,
    groupInstanceId,
    ...(groupProtocol === 'classic' ? { consumer: { 'session.timeout.ms': 20_000 } } : {}),
  })
  const source: RecordSource = await transport.openSource({ groupId, clientId: 'member', isolation: 'read-uncommitted' }, context)
  const held = new Set<string>()
  let changes = 0
  const drop = async (all: readonly TopicPartition[]) => {
    changes++
    for (const at of all) held.delete(partitionKey(at.topic, at.partition))
  }
  await source.subscribe([topic], {
    onAssigned: async (all) => {
      if (all.length > 0) changes++
      for (const at of all) held.add(partitionKey(at.topic, at.partition))
      return all.map((at) => ({ ...at, offset: 0 }))
    },
    onRevoked: drop,
    onLost: drop,
  })
  let going = true
  const polling = (async () => {
    while (going) await source.poll(50)
  })()
  return {
    held,
    changes: () => changes,
    async close() {
      going = false
      await polling
      await source.close()
    },
  }
}

interface Joining {
  readonly groupId: string
  readonly topic: string
  readonly groupInstanceId?: string
  readonly groupProtocol: 'classic' | 'consumer'
}

test.each(['classic', 'consumer'] as const)(
  'a static member of a %s group that is closed and comes back has its partitions again, and nobody else has noticed',
  { timeout: 60_000 },
  async (groupProtocol) => {
    const id = randomUUID().slice(0, 8)
    await using admin = await kafka({ brokers: inject('kafkaBrokers') }).openAdmin(context)
    await admin.createTopics([{ topic: id, partitions: 4 }])
    const joining = { groupId: `group-${id}`, topic: id, groupProtocol }
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
