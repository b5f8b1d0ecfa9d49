import { silentLogger, type Transport } from 'millrace'
import { createPublisher } from 'millrace/publisher'
import { DEAD_LETTERS, published, type ShopEvent, TOPIC } from './event.ts'

/** Puts events into the topic. Topics that are not there are created. */
export async function writeEvents(transport: Transport, all: readonly ShopEvent[]): Promise<void> {
  await createTopics(transport)
  await using publisher = createPublisher({ transport, events: published, logger: silentLogger, clientId: 'shop' })
  const outcomes = await publisher.publishBatch(all.map((payload) => ({ type: 'happened', payload })))
  for (const outcome of outcomes) if (!outcome.ok) throw outcome.error
}

async function createTopics(transport: Transport): Promise<void> {
  const admin = await transport.openAdmin({ logger: silentLogger })
  try {
    for (const topic of [TOPIC, DEAD_LETTERS])
      if ((await admin.describeTopics([topic])).length === 0) await admin.createTopics([{ topic, partitions: 2 }])
  } finally {
    await admin.close()
  }
}
