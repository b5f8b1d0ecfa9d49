import type { ConsumerClient } from '../client/kafka-client.ts'
import { kafkaError } from '../errors/kafka-error.ts'

/** The first of `topics` that does not exist. */
export async function missingTopic(client: ConsumerClient, topics: readonly string[]): Promise<string | undefined> {
  try {
    const existing = await client.existing(topics)
    return topics.find((topic) => !existing.has(topic))
  } catch (error) {
    throw kafkaError('look up topics', error, { stage: 'source' })
  }
}
