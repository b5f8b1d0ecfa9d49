import { randomUUID } from 'node:crypto'
import { partitionKey, type RecordSource, silentLogger, type TopicPartition } from '@millrace/core'
import { expect, inject, test } from 'vitest'
import { kafka } from '../../src/index.ts'

const context = { logger: silentLogger }
/** A busy process comes too late to disconnect too early. */
const AT_ONCE = 4
const ROUNDS = 3

/** Who joins a group and polls, until it is closed. */
async function join(groupId: string, topic: string) {
  // What it says of itself holds the library up, which makes the race closer.
  const transport = kafka({ brokers: inject('kafkaBrokers'), consumer: { debug: 'cgrp' } })
  const source: RecordSource = await transport.openSource({ groupId, clientId: 'member', isolation: 'read-uncommitted' }, context)
  const held = new Set<string>()
  const drop = async (all: readonly TopicPartition[]) => {
    for (const at of all) held.delete(partitionKey(at.topic, at.partition))
  }
  await source.subscribe([topic], {
    onAssigned: async (all) => {
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
    async close() {
      going = false
      await polling
      await source.close()
    },
  }
}

// Disconnected right after it has given up its partitions, the library does not leave its group: they stay with nobody until the session is over.
test('members that are closed have left their groups: others take what they had long before a session of 45 s is over', async () => {
  await using admin = await kafka({ brokers: inject('kafkaBrokers') }).openAdmin(context)
  const one = async () => {
    const id = randomUUID().slice(0, 8)
    await admin.createTopics([{ topic: id, partitions: 2 }])
    const first = await join(`group-${id}`, id)
    const second = await join(`group-${id}`, id)
    await expect.poll(() => [first.held.size, second.held.size]).toEqual([1, 1])
    await first.close()
    await expect.poll(() => second.held.size).toBe(2)
    await second.close()
  }
  for (let round = 0; round < ROUNDS; round++) await Promise.all(Array.from({ length: AT_ONCE }, one))
}, 120_000)
