import { inject } from 'vitest'
import { loadModule } from '../../src/confluent/load-module.ts'
import { promised } from '../../src/confluent/promised.ts'
import type { Callback } from '../../src/confluent/raw-api.ts'
import { Cluster, until } from './cluster.ts'

const LIMIT_MS = 30_000

interface PartitionsAdmin {
  createPartitions(topic: string, total: number, timeoutMs: number, callback: Callback): void
  disconnect(): void
}

/** Gives a topic more partitions, as its owner may at any time: nothing of ours does. Resolves when clients are told of them. */
export async function addPartitions(topic: string, total: number): Promise<void> {
  const { AdminClient } = (await loadModule()) as unknown as {
    readonly AdminClient: { create(properties: Readonly<Record<string, unknown>>): PartitionsAdmin }
  }
  const admin = AdminClient.create({ 'bootstrap.servers': inject('kafkaBrokers') })
  try {
    await promised('add partitions', LIMIT_MS, (callback) => admin.createPartitions(topic, total, LIMIT_MS, callback))
  } finally {
    admin.disconnect()
  }
  // Of its own: a client that is told remembers it.
  await using cluster = new Cluster()
  const asker = await cluster.admin()
  await until('clients are told', async () => (await asker.describeTopics([topic]))[0]?.partitions === total)
}
