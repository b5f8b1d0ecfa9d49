import type { TopicPartition } from '@millrace/core'
import type { ConsumerClient } from '../client/kafka-client.ts'
import { kafkaError, unknownTopic } from '../errors/kafka-error.ts'

/** The first of `topics` that does not exist. */
export async function missingTopic(client: ConsumerClient, topics: readonly string[]): Promise<string | undefined> {
  try {
    const existing = await client.existing(topics)
    return topics.find((topic) => !existing.has(topic))
  } catch (error) {
    throw kafkaError('look up topics', error, { stage: 'source' })
  }
}

/** The client would wait for a topic that does not exist until it does. */
export async function requireTopics(client: ConsumerClient, partitions: readonly TopicPartition[]): Promise<void> {
  const topics = [...new Set(partitions.map(({ topic }) => topic))]
  if (topics.length === 0) return
  const missing = await missingTopic(client, topics)
  if (missing !== undefined) throw unknownTopic('source', missing, false)
}
