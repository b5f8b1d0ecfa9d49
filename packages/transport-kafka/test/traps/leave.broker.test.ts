import { randomUUID } from 'node:crypto'
import { silentLogger } from '@millrace/core'
import { expect, inject, test } from 'vitest'
import { kafka } from '../../src/index.ts'
import { joinGroup } from '../support/group-member.ts'

const context = { logger: silentLogger }
/** A busy process comes too late to disconnect too early. */
const AT_ONCE = 4
const ROUNDS = 3

function join(client: 'confluent' | 'packed', groupId: string, topic: string) {
  // What it says of itself holds the library up, which makes the race closer.
  const consumer = client === 'confluent' ? { debug: 'cgrp' } : {}
  return joinGroup(kafka({ brokers: inject('kafkaBrokers'), client, consumer }), groupId, topic)
}

// Disconnected right after it has given up its partitions, librdkafka does not leave its group: they stay with nobody until the session is over.
test.concurrent.each(['confluent', 'packed'] as const)(
  '%s: members that are closed have left their groups: others take what they had long before a session of 45 s is over',
  async (client) => {
    await using admin = await kafka({ brokers: inject('kafkaBrokers'), client }).openAdmin(context)
    const one = async () => {
      const id = randomUUID().slice(0, 8)
      await admin.createTopics([{ topic: id, partitions: 2 }])
      const first = await join(client, `group-${id}`, id)
      const second = await join(client, `group-${id}`, id)
      await expect.poll(() => [first.held.size, second.held.size]).toEqual([1, 1])
      await first.close()
      await expect.poll(() => second.held.size).toBe(2)
      await second.close()
    }
    for (let round = 0; round < ROUNDS; round++) await Promise.all(Array.from({ length: AT_ONCE }, one))
  },
  120_000,
)
