import { type API, listOffsetsV5, listOffsetsV6, listOffsetsV7, listOffsetsV8, listOffsetsV9 } from '@platformatic/kafka'
import { type Clock, type IsolationLevel, partitionKey, type TopicPartition, type TopicPartitionOffset } from '@millrace/core'
import { backoffMs } from '../cluster/backoff.ts'
import { addTo } from '../cluster/by-node.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { PackedError } from '../errors/packed-error.ts'
import { refusal } from '../errors/protocol-codes.ts'
import { byTopic } from '../wire/by-topic.ts'

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

/** Asks the leaders until all have answered, as long as a request may take. Topics that were created a moment ago are waited for. */
export async function listOffsets(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  options: ListOffsetsOptions,
): Promise<TopicPartitionOffset[]> {
  const { at, isolation, clock } = options
  cluster.track(partitions.map(({ topic }) => topic))
  const until = clock.monotonic() + cluster.options.requestTimeoutMs
  const found = new Map<string, number>()
  let last: PackedError | undefined
  for (let attempt = 1; ; attempt++) {
    const missing = partitions.filter(({ topic, partition }) => !found.has(partitionKey(topic, partition)))
    if (missing.length === 0) break
    if (attempt > 1) {
      if (clock.monotonic() >= until) throw last ?? noLeader(missing)
      await cluster.delay(backoffMs(attempt - 1))
    }
    // Whatever keeps the cluster from answering is met again below, and told there.
    if (attempt > 1 || missing.some(({ topic, partition }) => cluster.metadata.leadership(topic, partition) === undefined)) {
      last = await cluster.refresh().then(
        () => undefined,
        (error: unknown) => error as PackedError,
      )
    }
    if (last?.kind === 'authentication' || last?.kind === 'closed') throw last
    const answers = await Promise.all(
      [...byLeader(cluster, missing)].map(([leader, ofLeader]) => ask(cluster, leader, { partitions: ofLeader, at, isolation, found })),
    )
    last = answers.find((answer) => answer !== undefined) ?? last
  }
  // By time, a partition without records that are young enough answers -1.
  const without = partitions.filter(({ topic, partition }) => found.get(partitionKey(topic, partition)) === -1)
  if (typeof at === 'number' && without.length > 0) {
    for (const { topic, partition, offset } of await listOffsets(cluster, without, { ...options, at: 'end' })) {
      found.set(partitionKey(topic, partition), offset)
    }
  }
  return partitions.map(({ topic, partition }) => ({ topic, partition, offset: found.get(partitionKey(topic, partition)) ?? -1 }))
}

function byLeader(cluster: Cluster, partitions: readonly TopicPartition[]): Map<number, TopicPartition[]> {
  const leaders = new Map<number, TopicPartition[]>()
  for (const one of partitions) {
    const leader = cluster.metadata.leadership(one.topic, one.partition)?.leader
    if (leader !== undefined) addTo(leaders, leader, one)
  }
  return leaders
}

interface Asked extends Omit<ListOffsetsOptions, 'clock'> {
  readonly partitions: readonly TopicPartition[]
  readonly found: Map<string, number>
}

/** Why it should be asked again, if it should; what can't be helped is thrown. */
async function ask(cluster: Cluster, leader: number, { partitions, at, isolation, found }: Asked): Promise<PackedError | undefined> {
  const timestamp = typeof at === 'number' ? BigInt(Math.floor(at)) : TIMES[at]
  const topics = [...byTopic(partitions)].map(([name, ofTopic]) => ({
    name,
    partitions: ofTopic.map(({ partition }) => ({ partitionIndex: partition, currentLeaderEpoch: -1, timestamp })),
  }))
  let again: PackedError | undefined
  try {
    const connection = await cluster.connection(leader, 'control')
    const answer = await connection.call(LIST_OFFSETS, -1, isolation === 'read-committed' ? 1 : 0, topics)
    for (const { name, partitions: ofTopic } of answer.topics) {
      for (const { partitionIndex, errorCode, offset } of ofTopic) {
        if (errorCode === 0) found.set(partitionKey(name, partitionIndex), Number(offset))
        else again = refusal(errorCode, `tell offsets of ${name}-${partitionIndex}`)
      }
    }
  } catch (error) {
    again = error as PackedError
  }
  if (again !== undefined && !again.retriable && again.kind !== 'unknown-topic') throw again
  return again
}

function noLeader([first]: readonly TopicPartition[]): PackedError {
  return new PackedError(`${first?.topic}-${first?.partition} has no leader, or does not exist.`, { kind: 'unknown-topic' })
}
