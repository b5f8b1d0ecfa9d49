import {
  type API,
  deleteGroupsV2,
  describeGroupsV5,
  leaveGroupV4,
  leaveGroupV5,
  listGroupsV4,
  listGroupsV5,
  offsetCommitV8,
  offsetDeleteV0,
} from '@platformatic/kafka'
import type { GroupDescription, TopicPartition } from '@millrace/core'
import { Coordinator } from '../cluster/coordinator.ts'
import type { BrokerConnection } from '../cluster/broker-connection.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { patiently } from '../cluster/patiently.ts'
import { CODE, refusal } from '../errors/protocol-codes.ts'
import { decodePartitions } from '../group/consumer-protocol.ts'
import type { PositionCommit } from '../read/read-position.ts'
import { topicsOf } from '../wire/by-topic.ts'
import { decodeDescribeConsumerGroup, DESCRIBE_CONSUMER_GROUP, encodeDescribeConsumerGroup } from '../wire/describe-consumer-group.ts'
import { decodeOffsetFetch, encodeOffsetFetch, OFFSET_FETCH } from '../wire/offset-fetch.ts'
import type { AdminContext } from './admin-context.ts'

/** What brokers answer of a group that they know nothing of in this protocol, and those up to 3.9 that speak it, but have it switched off, of any. */
const OF_NO_SUCH_PROTOCOL: ReadonlySet<number> = new Set([35, 69])

interface ListedGroups {
  readonly errorCode: number
  readonly groups: readonly { readonly groupId: string }[]
}

const LIST_GROUPS: readonly API<[never[], never[]], ListedGroups>[] = [listGroupsV5.api, listGroupsV4.api] as never
const LEAVE_GROUP = [leaveGroupV5.api, leaveGroupV4.api]

interface GroupCall<T> {
  readonly use: (connection: BrokerConnection) => Promise<T>
  readonly codeOf: (answer: T) => number
  readonly doing: string
}

/** One consumer group, as its coordinator has it. */
export class GroupAdmin {
  readonly #groupId: string
  readonly #coordinator: Coordinator
  readonly #patienceMs: number

  constructor({ cluster, options, clock }: AdminContext, groupId: string) {
    this.#groupId = groupId
    this.#coordinator = new Coordinator(cluster, { type: 'group', name: groupId, clock })
    this.#patienceMs = options.requestTimeoutMs
  }

  /** Those of these partitions that have one. Waits for transactions that may change them. */
  async offsets(partitions: readonly TopicPartition[]): Promise<PositionCommit[]> {
    const parts = [encodeOffsetFetch({ groupId: this.#groupId, partitions, requireStable: true })]
    const answer = await this.#ask({
      use: (connection) => connection.send({ ...OFFSET_FETCH, parts, decode: decodeOffsetFetch }),
      codeOf: ({ code, partitions: all }) => firstCode([{ code }, ...all]),
      doing: 'tell offsets of',
    })
    return answer.partitions.flatMap(({ topic, partition, offset, leaderEpoch, metadata }) => {
      if (offset < 0) return []
      const more = { ...(leaderEpoch >= 0 && { leaderEpoch }), ...(metadata !== null && metadata !== '' && { metadata }) }
      return [{ topic, partition, offset, ...more }]
    })
  }

  /** Refused where the group has members. */
  async commit(offsets: readonly PositionCommit[]): Promise<void> {
    const topics = topicsOf(offsets, ({ partition, offset, leaderEpoch = -1, metadata }) => ({
      partitionIndex: partition,
      committedOffset: BigInt(offset),
      committedLeaderEpoch: leaderEpoch,
      committedMetadata: metadata ?? null,
    }))
    await this.#ask({
      use: (connection) => connection.call([offsetCommitV8.api], this.#groupId, -1, '', null, topics),
      codeOf: (answer) => firstCode(answer.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => ({ code: errorCode })))),
      doing: 'commit offsets for',
    })
  }

  /** Refused where members read the topics. */
  async deleteOffsets(partitions: readonly TopicPartition[]): Promise<void> {
    const topics = topicsOf(partitions, ({ partition }) => ({ partitionIndex: partition }))
    await this.#ask({
      use: (connection) => connection.call([offsetDeleteV0.api], this.#groupId, topics),
      codeOf: ({ errorCode, topics: all }) =>
        firstCode([{ code: errorCode }, ...all.flatMap((topic) => topic.partitions.map((one) => ({ code: one.errorCode })))]),
      doing: 'delete offsets of',
    })
  }

  async describe(): Promise<GroupDescription> {
    const parts = [encodeDescribeConsumerGroup(this.#groupId)]
    const answer = await this.#ask({
      use: async (connection) => {
        if (!connection.speaks(DESCRIBE_CONSUMER_GROUP.key, DESCRIBE_CONSUMER_GROUP.version)) return this.#describeClassic(connection)
        const described = await connection.send({ ...DESCRIBE_CONSUMER_GROUP, parts, decode: decodeDescribeConsumerGroup })
        return OF_NO_SUCH_PROTOCOL.has(described.code) ? this.#describeClassic(connection) : described
      },
      codeOf: ({ code }) => code,
      doing: 'describe',
    })
    return answer.group
  }

  async delete(): Promise<void> {
    await this.#ask({
      use: (connection) => connection.call([deleteGroupsV2.api], [this.#groupId]),
      codeOf: ({ results }) => results[0]?.errorCode ?? CODE.none,
      doing: 'delete',
    })
  }

  /** Those that are alive come back. */
  async removeMembers(): Promise<void> {
    const { members } = await this.describe()
    if (members.length === 0) return
    const leaving = members.map(({ memberId }) => ({ memberId, reason: 'removed by an administrator' }))
    await this.#ask({
      use: (connection) => connection.call(LEAVE_GROUP, this.#groupId, leaving),
      // One that has gone meanwhile is what was wanted.
      codeOf: ({ errorCode, members: all }) =>
        firstCode([{ code: errorCode }, ...all.map((one) => ({ code: one.errorCode === CODE.unknownMember ? CODE.none : one.errorCode }))]),
      doing: 'remove the members of',
    })
  }

  async #describeClassic(connection: BrokerConnection): Promise<{ readonly code: number; readonly group: GroupDescription }> {
    const { groups } = await connection.call([describeGroupsV5.api], [this.#groupId], false)
    const [{ errorCode, groupState, members } = { errorCode: CODE.none, groupState: 'Dead', members: [] }] = groups
    const described = members.map(({ memberId, clientId, clientHost, memberAssignment }) => ({
      memberId,
      clientId,
      host: clientHost,
      assigned: decodePartitions(memberAssignment),
    }))
    return { code: errorCode, group: { groupId: this.#groupId, state: groupState, members: described } }
  }

  #ask<T>({ use, codeOf, doing }: GroupCall<T>): Promise<T> {
    return this.#coordinator.call({
      use: this.#coordinator.unlessMoved(use),
      codeOf,
      doing: `${doing} group '${this.#groupId}'`,
      patienceMs: this.#patienceMs,
    })
  }
}

/** Of all brokers: each knows those that it coordinates. */
export async function listGroups({ cluster, clock }: AdminContext): Promise<string[]> {
  const names = await patiently(cluster, clock, async () => {
    await cluster.refresh()
    return Promise.all([...cluster.metadata.brokers.keys()].map((node) => groupsOf(cluster, node)))
  })
  return names.flat().toSorted()
}

async function groupsOf(cluster: Cluster, node: number): Promise<string[]> {
  const connection = await cluster.connection(node, 'control')
  const { errorCode, groups } = await connection.call(LIST_GROUPS, [], [])
  if (errorCode !== CODE.none) throw refusal(errorCode, 'list groups')
  return groups.map(({ groupId }) => groupId)
}

function firstCode(answers: readonly { readonly code: number }[]): number {
  return answers.find(({ code }) => code !== CODE.none)?.code ?? CODE.none
}
