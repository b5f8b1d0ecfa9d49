import { createRequire } from 'node:module'

interface RawAdmin {
  createPartitions(topic: string, total: number, timeoutMs: number, callback: (error?: Error) => void): void
  disconnect(): void
}
interface RawModule {
  readonly AdminClient: { create(properties: Readonly<Record<string, unknown>>): RawAdmin }
}

/** Gives a topic more partitions, as its owner may at any time: nothing of ours does. */
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
}
