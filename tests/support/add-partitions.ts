import { createRequire } from 'node:module'
import { setTimeout as pause } from 'node:timers/promises'
import { kafka } from 'millrace/kafka'
import { LogClient } from './log-client.ts'

interface RawAdmin {
  createPartitions(topic: string, total: number, timeoutMs: number, callback: (error?: Error) => void): void
  disconnect(): void
}
interface RawModule {
  readonly AdminClient: { create(properties: Readonly<Record<string, unknown>>): RawAdmin }
}

/** Gives a topic more partitions, as its owner may at any time: nothing of ours does. Resolves when clients are told of them. */
export async function addPartitions(brokers: string, topic: string, total: number): Promise<void> {
  const { AdminClient } = createRequire(import.meta.url)('@confluentinc/kafka-javascript') as RawModule
  const admin = AdminClient.create({ 'bootstrap.servers': brokers })
  try {
    await new Promise<void>((resolve, reject) => {
      admin.createPartitions(topic, total, 30_000, (error) => (error === undefined || error === null ? resolve() : reject(error)))
    })
  } finally {
    admin.disconnect()
  }
  await using log = await LogClient.open(kafka({ brokers }))
  while ((await log.admin.describeTopics([topic]))[0]?.partitions !== total) await pause(10)
}
