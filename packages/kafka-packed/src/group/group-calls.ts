import {
  type API,
  heartbeatV4,
  joinGroupV6,
  joinGroupV7,
  joinGroupV8,
  joinGroupV9,
  leaveGroupV4,
  leaveGroupV5,
  offsetCommitV8,
  offsetCommitV9,
  syncGroupV4,
  syncGroupV5,
} from '@platformatic/kafka'
import type { TopicPartition } from '@millrace/core'
import type { BrokerConnection } from '../cluster/broker-connection.ts'
import type { PositionCommit } from '../read/read-position.ts'
import { topicsOf } from '../wire/by-topic.ts'
import {
  decodeOffsetFetch,
  decodeOffsetFetchOfMember,
  encodeOffsetFetch,
  encodeOffsetFetchOfMember,
  OFFSET_FETCH,
  OFFSET_FETCH_OF_MEMBER,
  type OffsetFetchAnswer,
} from '../wire/offset-fetch.ts'
import type { GroupMetadata } from '../wire/group-metadata.ts'

/** As the brokers know Kafka's consumers. */
const PROTOCOL_TYPE = 'consumer'
/** Members of a group must have one in common: this one's assignor is ours, which others don't know. */
const PROTOCOL = 'millrace'

export interface JoinRequest {
  readonly groupId: string
  readonly memberId: string
  readonly groupInstanceId: string | undefined
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly subscription: Buffer
  readonly reason: string
}

export interface JoinAnswer {
  readonly errorCode: number
  readonly generationId: number
  readonly leader: string
  readonly memberId: string | null | undefined
  /** The leader is a static member that came back: the assignment stays as it is. */
  readonly skipAssignment: boolean
  /** Of the leader only. */
  readonly members: readonly { readonly memberId: string; readonly metadata: Buffer | null }[]
}

type Nullable = string | null | undefined
type JoinArguments = [string, number, number, string, Nullable, string, { name: string; metadata?: Buffer | null }[], Nullable?]

const JOIN: readonly API<JoinArguments, JoinAnswer>[] = [joinGroupV9.api, joinGroupV8.api, joinGroupV7.api, joinGroupV6.api]

export function joinGroup(connection: BrokerConnection, request: JoinRequest): Promise<JoinAnswer> {
  const { groupId, sessionTimeoutMs, rebalanceTimeoutMs, memberId, groupInstanceId, subscription, reason } = request
  const protocols = [{ name: PROTOCOL, metadata: subscription }]
  return connection.call(
    JOIN,
    groupId,
    sessionTimeoutMs,
    rebalanceTimeoutMs,
    memberId,
    groupInstanceId ?? null,
    PROTOCOL_TYPE,
    protocols,
    reason,
  )
}

export interface SyncAnswer {
  readonly errorCode: number
  readonly assignment: Buffer
}

/** By member. Of those who don't lead: none. */
export async function syncGroup(
  connection: BrokerConnection,
  { groupId, generation, memberId, groupInstanceId }: GroupMetadata,
  assignments: ReadonlyMap<string, Buffer>,
): Promise<SyncAnswer> {
  const list = [...assignments].map(([member, assignment]) => ({ memberId: member, assignment }))
  const apis = [syncGroupV5.api, syncGroupV4.api]
  return connection.call(apis, groupId, generation, memberId, groupInstanceId ?? null, PROTOCOL_TYPE, PROTOCOL, list)
}

export async function heartbeat(
  connection: BrokerConnection,
  { groupId, generation, memberId, groupInstanceId }: GroupMetadata,
): Promise<number> {
  const { errorCode } = await connection.call([heartbeatV4.api], groupId, generation, memberId, groupInstanceId ?? null)
  return errorCode
}

export async function leaveGroup(connection: BrokerConnection, { groupId, memberId }: GroupMetadata): Promise<number> {
  const members = [{ memberId, groupInstanceId: null, reason: 'the member was closed' }]
  const { errorCode } = await connection.call([leaveGroupV5.api, leaveGroupV4.api], groupId, members)
  return errorCode
}

/** Codes of what was refused; empty: everything is committed. */
export async function commitOffsets(
  connection: BrokerConnection,
  { groupId, generation, memberId, groupInstanceId }: GroupMetadata,
  offsets: readonly PositionCommit[],
): Promise<number[]> {
  const topics = topicsOf(offsets, ({ partition, offset, leaderEpoch = -1, metadata }) => ({
    partitionIndex: partition,
    committedOffset: BigInt(offset),
    committedLeaderEpoch: leaderEpoch,
    committedMetadata: metadata ?? '',
  }))
  const apis = [offsetCommitV9.api, offsetCommitV8.api]
  const answer = await connection.call(apis, groupId, generation, memberId, groupInstanceId ?? null, topics)
  return answer.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode)).filter((code) => code !== 0)
}

export interface OffsetQuestion {
  readonly partitions: readonly TopicPartition[]
  readonly requireStable: boolean
}

export function fetchOffsets(connection: BrokerConnection, groupId: string, question: OffsetQuestion): Promise<OffsetFetchAnswer> {
  return connection.send({ ...OFFSET_FETCH, parts: [encodeOffsetFetch({ groupId, ...question })], decode: decodeOffsetFetch })
}

/** Refused to who has lost its place. For members of KIP-848. */
export function fetchOffsetsOf(connection: BrokerConnection, member: GroupMetadata, question: OffsetQuestion): Promise<OffsetFetchAnswer> {
  const parts = [encodeOffsetFetchOfMember(member, question)]
  return connection.send({ ...OFFSET_FETCH_OF_MEMBER, parts, decode: decodeOffsetFetchOfMember })
}
