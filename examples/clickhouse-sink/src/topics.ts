import { silentLogger, type Transport } from 'millrace'
import { DEAD_LETTERS_TOPIC, EVENTS_TOPIC } from './topology.ts'

/** Creates the topics that are not there. */
export async function createTopics(transport: Transport): Promise<void> {
  const admin = await transport.openAdmin({ logger: silentLogger })
  try {
    const found = new Set((await admin.describeTopics([EVENTS_TOPIC, DEAD_LETTERS_TOPIC])).map(({ topic }) => topic))
    const all = [
      { topic: EVENTS_TOPIC, partitions: 2 },
      { topic: DEAD_LETTERS_TOPIC, partitions: 1 },
    ]
    await admin.createTopics(all.filter(({ topic }) => !found.has(topic)))
  } finally {
    await admin.close()
  }
}
