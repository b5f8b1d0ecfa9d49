import { type Clock, partitionKey, type TopicPartition } from '@millrace/core'
import { PackedError } from '../errors/packed-error.ts'
import { CODE, mayPass, refusal } from '../errors/protocol-codes.ts'
import { backoffMs } from './backoff.ts'
import type { BrokerConnection } from './broker-connection.ts'
import { addTo } from './by-node.ts'
import type { Cluster } from './cluster.ts'
import { missingPartition } from './missing-partition.ts'
import { unlessMoved } from './unless-moved.ts'

/** How long brokers may take to learn of partitions that a topic was given, in milliseconds. */
const NEWS_MS = 1_000

export interface LeaderAnswer extends TopicPartition {
  readonly code: number
}

export interface LeaderQuestion<T extends TopicPartition, A extends LeaderAnswer> {
  /** Completes "Kafka refused to ...", of a partition. */
  readonly doing: string
  readonly clock: Clock
  /** Asks one leader of what it leads. What is answered late, by one that leads no more, does not count: so it changes nothing but by what it resolves to. */
  readonly ask: (connection: BrokerConnection, ofLeader: readonly T[]) => Promise<readonly A[]>
}

/**
 * Asks the leaders until each partition was answered with 0, as long as a request may take: again where another leads while the one that was asked is silent.
 * Topics that were created a moment ago are waited for; partitions that a topic does not have, for a second. Resolves to these answers; rejects with a `PackedError`.
 */
export async function askLeaders<T extends TopicPartition, A extends LeaderAnswer>(
  cluster: Cluster,
  partitions: readonly T[],
  question: LeaderQuestion<T, A>,
): Promise<A[]> {
  const { clock } = question
  const began = clock.monotonic()
  const until = began + cluster.options.requestTimeoutMs
  let last: PackedError | undefined
  const done = new Map<string, A>()
  let missing = partitions
  for (let attempt = 1; missing.length > 0; attempt++) {
    if (attempt > 1) {
      if (clock.monotonic() >= until) throw last ?? noLeader(missing)
      const none = clock.monotonic() - began >= NEWS_MS ? await missingPartition(cluster, missing) : undefined
      if (none !== undefined) throw none
      await cluster.delay(backoffMs(attempt - 1))
    }
    // Each time: who reads them no more may have had them forgotten.
    cluster.track(missing.map(({ topic }) => topic))
    // Whatever keeps the cluster from answering is met again below, and told there.
    if (attempt > 1 || missing.some(({ topic, partition }) => cluster.metadata.leaderOf(topic, partition) === undefined)) {
      last = await cluster.refresh().then(
        () => undefined,
        (error: unknown) => error as PackedError,
      )
    }
    if (last?.kind === 'authentication' || last?.kind === 'closed') throw last
    const answers = await Promise.all(
      [...byLeader(cluster, missing)].map(([leader, ofLeader]) => askOne(cluster, leader, { ofLeader, question, done })),
    )
    last = answers.find((answer) => answer !== undefined) ?? last
    missing = missing.filter(({ topic, partition }) => !done.has(partitionKey(topic, partition)))
  }
  return [...done.values()]
}

function byLeader<T extends TopicPartition>(cluster: Cluster, partitions: readonly T[]): Map<number, T[]> {
  const leaders = new Map<number, T[]>()
  for (const one of partitions) {
    const leader = cluster.metadata.leaderOf(one.topic, one.partition)
    if (leader !== undefined) addTo(leaders, leader, one)
  }
  return leaders
}

interface Asked<T extends TopicPartition, A extends LeaderAnswer> {
  readonly ofLeader: readonly T[]
  readonly question: LeaderQuestion<T, A>
  readonly done: Map<string, A>
}

/** Why it should be asked again, if it should; what can't be helped is thrown. */
async function askOne<T extends TopicPartition, A extends LeaderAnswer>(
  cluster: Cluster,
  leader: number,
  { ofLeader, question, done }: Asked<T, A>,
): Promise<PackedError | undefined> {
  let again: PackedError | undefined
  const asked = cluster.connection(leader, 'control').then((connection) => question.ask(connection, ofLeader))
  const stillLeads = async (): Promise<boolean> => {
    await cluster.refresh()
    return ofLeader.every(({ topic, partition }) => cluster.metadata.leaderOf(topic, partition) === leader)
  }
  try {
    for (const answer of await unlessMoved(asked, question.clock, stillLeads)) {
      const { topic, partition, code } = answer
      if (code === CODE.none) done.set(partitionKey(topic, partition), answer)
      else again = refusal(code, `${question.doing} ${topic}-${partition}`)
    }
  } catch (error) {
    again = error as PackedError
  }
  if (again !== undefined && !mayPass(again)) throw again
  return again
}

function noLeader([first]: readonly TopicPartition[]): PackedError {
  return new PackedError(`${first?.topic}-${first?.partition} has no leader, or does not exist.`, { kind: 'unknown-topic' })
}
