import { type API, consumerGroupHeartbeatV0, consumerGroupHeartbeatV1 } from '@platformatic/kafka'
import type { BrokerConnection } from '../cluster/broker-connection.ts'
import type { GroupMetadata } from '../wire/group-metadata.ts'

/** Partitions as the protocol names them: by the id of their topic. */
export interface TopicIdPartitions {
  readonly topicId: string
  readonly partitions: number[]
}

/** What a member of KIP-848 tells with each heartbeat, besides who it is. Always all of it: then it does not matter which answer was lost. */
export interface MemberReport {
  readonly rebalanceTimeoutMs: number
  readonly topics: string[]
  /** Default: as the brokers have it. */
  readonly serverAssignor: string | undefined
  /** What it has, until it was given up. */
  readonly owned: TopicIdPartitions[]
}

export interface HeartbeatAnswer {
  readonly errorCode: number
  readonly errorMessage?: string | null | undefined
  readonly memberEpoch: number
  readonly heartbeatIntervalMs: number
  /** What the member is to have. */
  readonly assignment: { readonly topicPartitions: readonly TopicIdPartitions[] } | null
}

/** In place of a member's epoch. */
export const MEMBER_EPOCH = { joins: 0, leaves: -1, leavesForNow: -2 } as const

type Nullable = string | null | undefined
type HeartbeatArguments = [string, string, number, Nullable, Nullable, number, string[] | null, Nullable, Nullable, TopicIdPartitions[]]

const HEARTBEAT: readonly API<HeartbeatArguments, HeartbeatAnswer>[] = [consumerGroupHeartbeatV1.api, consumerGroupHeartbeatV0.api]

/** `generation`: the member's epoch, or a {@link MEMBER_EPOCH}. */
export function consumerGroupHeartbeat(
  connection: BrokerConnection,
  { groupId, memberId, generation, groupInstanceId }: GroupMetadata,
  { rebalanceTimeoutMs, topics, serverAssignor, owned }: MemberReport,
): Promise<HeartbeatAnswer> {
  return connection.call(
    HEARTBEAT,
    groupId,
    memberId,
    generation,
    groupInstanceId ?? null,
    null,
    rebalanceTimeoutMs,
    topics,
    null,
    serverAssignor ?? null,
    owned,
  )
}
