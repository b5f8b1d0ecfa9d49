import { createPartitionsV3, createTopicsV7, deleteRecordsV2, deleteTopicsV6 } from '@platformatic/kafka'
import type { NewTopic, TopicPartitionOffset } from '@millrace/core'
import { askLeaders } from '../cluster/ask-leaders.ts'
import { askTopics } from '../cluster/ask-topics.ts'
import type { Controller } from '../cluster/controller.ts'
import { patiently } from '../cluster/patiently.ts'
import { CODE, refusal } from '../errors/protocol-codes.ts'
import { topicsOf } from '../wire/by-topic.ts'
import type { AdminContext } from './admin-context.ts'

/** A topic that exists. */
export interface DescribedTopic {
  readonly topic: string
  /** Another one when a topic of this name is made anew: 22 characters of base64. Absent where the broker gives topics none. */
  readonly id: string | undefined
  readonly partitions: number
  /** Every partition has a leader. */
  readonly ready: boolean
}

export async function createTopic({ options }: AdminContext, controller: Controller, topic: NewTopic): Promise<void> {
  const { topic: name, partitions, replicationFactor = -1, config = {} } = topic
  const configs = Object.entries(config).map(([key, value]) => ({ name: key, value }))
  const wanted = { name, numPartitions: partitions, replicationFactor, assignments: [], configs }
  await controller.call({
    use: (connection) => connection.call([createTopicsV7.api], [wanted], options.requestTimeoutMs, false),
    codeOf: ({ topics }) => topics[0]?.errorCode ?? CODE.none,
    reasonOf: ({ topics }) => topics[0]?.errorMessage,
    doing: `create topic '${name}'`,
  })
}

export async function deleteTopic({ options }: AdminContext, controller: Controller, name: string): Promise<void> {
  await controller.call({
    use: (connection) => connection.call([deleteTopicsV6.api], [{ name }], options.requestTimeoutMs),
    codeOf: ({ responses }) => responses[0]?.errorCode ?? CODE.none,
    reasonOf: ({ responses }) => responses[0]?.errorMessage,
    doing: `delete topic '${name}'`,
  })
}

export async function createPartitions(
  { options }: AdminContext,
  controller: Controller,
  { topic, total }: { readonly topic: string; readonly total: number },
): Promise<void> {
  await controller.call({
    use: (connection) => connection.call([createPartitionsV3.api], [{ name: topic, count: total }], options.requestTimeoutMs, false),
    codeOf: ({ results }) => results[0]?.errorCode ?? CODE.none,
    reasonOf: ({ results }) => results[0]?.errorMessage,
    doing: `add partitions to topic '${topic}'`,
  })
}

/** Names of all topics, internal ones too. */
export async function listTopics({ cluster, clock }: AdminContext): Promise<string[]> {
  const topics = await patiently(cluster, clock, () => cluster.topics(null))
  return topics.flatMap(({ name, errorCode }) => (errorCode === CODE.none && typeof name === 'string' ? [name] : []))
}

/** Those that some broker knows, in the order asked for; never creates one. */
export async function describeTopics({ cluster, clock }: AdminContext, names: readonly string[]): Promise<DescribedTopic[]> {
  if (names.length === 0) return []
  const topics = await patiently(cluster, clock, () => askTopics(cluster, names))
  const byName = new Map(topics.map((topic) => [topic.name, topic]))
  return names.flatMap((topic) => {
    const { errorCode = CODE.unknownTopic, topicId, partitions = [] } = byName.get(topic) ?? {}
    if (errorCode === CODE.unknownTopic) return []
    // One that has no leader yet says so of the whole topic.
    if (errorCode !== CODE.none && errorCode !== LEADER_NOT_AVAILABLE) throw refusal(errorCode, `describe topic '${topic}'`)
    const ready = errorCode === CODE.none && partitions.length > 0 && partitions.every(({ leaderId }) => leaderId >= 0)
    return [{ topic, id: idOf(topicId), partitions: partitions.length, ready }]
  })
}

const LEADER_NOT_AVAILABLE = 5

/** Deletes the records below these offsets. */
export async function deleteRecords({ cluster, options, clock }: AdminContext, offsets: readonly TopicPartitionOffset[]): Promise<void> {
  await askLeaders(cluster, offsets, {
    doing: 'delete records of',
    clock,
    ask: async (connection, ofLeader) => {
      const topics = topicsOf(ofLeader, ({ partition, offset }) => ({ partitionIndex: partition, offset: BigInt(offset) }))
      const answer = await connection.call([deleteRecordsV2.api], topics, options.requestTimeoutMs)
      return answer.topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, errorCode }) => ({ topic: name, partition: partitionIndex, code: errorCode })),
      )
    },
  })
}

/** As Kafka's tools write it. */
function idOf(uuid: string | undefined): string | undefined {
  const bytes = Buffer.from((uuid ?? '').replaceAll('-', ''), 'hex')
  return bytes.some((byte) => byte !== 0) ? bytes.toString('base64url') : undefined
}
