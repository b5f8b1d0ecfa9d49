import { type API, listOffsetsV5, listOffsetsV6, listOffsetsV7, listOffsetsV8, listOffsetsV9 } from '@platformatic/kafka'
import { type Clock, type IsolationLevel, partitionKey, type TopicPartition, type TopicPartitionOffset } from '@millrace/core'
import { askLeaders } from '../cluster/ask-leaders.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { topicsOf } from '../wire/by-topic.ts'

/** The first offset that is still there, the next to be written, or the first at or after a time in milliseconds. */
export type OffsetQuestion = 'beginning' | 'end' | number

interface OffsetsAnswer {
  readonly topics: readonly {
    readonly name: string
    readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number; readonly offset: bigint }[]
  }[]
}

type ListedTopic = { name: string; partitions: { partitionIndex: number; currentLeaderEpoch: number; timestamp: bigint }[] }

const LIST_OFFSETS: readonly API<[number, number, ListedTopic[]], OffsetsAnswer>[] = [
  listOffsetsV9.api,
  listOffsetsV8.api,
  listOffsetsV7.api,
  listOffsetsV6.api,
  listOffsetsV5.api,
]

const TIMES = { beginning: -2n, end: -1n } as const

export interface ListOffsetsOptions {
  readonly at: OffsetQuestion
  readonly isolation: IsolationLevel
  readonly clock: Clock
}

/** In the order asked for; by time, -1 where no record is that young. */
export async function listOffsets(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  { at, isolation, clock }: ListOffsetsOptions,
): Promise<TopicPartitionOffset[]> {
  const timestamp = typeof at === 'number' ? BigInt(Math.floor(at)) : TIMES[at]
  const answers = await askLeaders(cluster, partitions, {
    doing: 'tell offsets of',
    clock,
    ask: async (connection, ofLeader) => {
      // One that leads no more says so, rather than where its log ended.
      const epochOf = (one: TopicPartition): number => cluster.metadata.leadership(one.topic, one.partition)?.epoch ?? -1
      const topics = topicsOf(ofLeader, (one) => ({ partitionIndex: one.partition, currentLeaderEpoch: epochOf(one), timestamp }))
      const answer = await connection.call(LIST_OFFSETS, -1, isolation === 'read-committed' ? 1 : 0, topics)
      return answer.topics.flatMap(({ name, partitions: ofTopic }) =>
        ofTopic.map(({ partitionIndex, errorCode, offset }) => ({
          topic: name,
          partition: partitionIndex,
          code: errorCode,
          offset: Number(offset),
        })),
      )
    },
  })
  const found = new Map(answers.map(({ topic, partition, offset }) => [partitionKey(topic, partition), offset]))
  return partitions.map(({ topic, partition }) => ({ topic, partition, offset: found.get(partitionKey(topic, partition)) ?? -1 }))
}

/** The same, but the end where no record is that young. */
export async function listOffsetsOrEnds(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  options: ListOffsetsOptions,
): Promise<TopicPartitionOffset[]> {
  const listed = await listOffsets(cluster, partitions, options)
  const without = listed.filter(({ offset }) => offset < 0)
  if (without.length === 0) return listed
  const ends = new Map(
    (await listOffsets(cluster, without, { ...options, at: 'end' })).map((one) => [partitionKey(one.topic, one.partition), one]),
  )
  return listed.map((one) => ends.get(partitionKey(one.topic, one.partition)) ?? one)
}
