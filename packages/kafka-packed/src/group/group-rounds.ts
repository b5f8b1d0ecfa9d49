import type { TopicPartition } from '@millrace/core'
import type { BrokerConnection } from '../cluster/broker-connection.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { BrokerAddress } from '../cluster/connection-options.ts'
import type { Coordinator } from '../cluster/coordinator.ts'
import type { GroupMetadata } from '../wire/group-metadata.ts'
import type { MemberReport } from './consumer-group-heartbeat.ts'
import type { ResolvedGroupOptions } from './group-options.ts'

/**
 * How a member and its group settle who reads what: the one thing in which the protocols of groups differ. By the classic protocol all members join, and one of them
 * assigns; by KIP-848 each tells the coordinator what it has and is told what it is to have.
 */
export interface GroupRounds {
  topics: readonly string[]
  /** The member's place in the group now. */
  readonly metadata: GroupMetadata
  /** Nothing is under way that may change its place, and it has one. */
  readonly isStable: boolean
  /** Whether this member has said who gets what. */
  readonly isLeader: boolean
  /** Between two heartbeats, in milliseconds. */
  readonly heartbeatIntervalMs: number
  /**
   * Whether it has asked to join, and no such question was answered since: one may have been, and the answer lost. Meanwhile the group may be one generation ahead of
   * what this member knows.
   */
  readonly isJoining: boolean
  /** What goes with its heartbeats, besides its place. */
  readonly report: MemberReport | undefined
  /**
   * One round; resolves to what this member is given; undefined when it has to begin anew, at once. Rejects with a `PackedError`; one that is not retriable ends
   * the membership.
   */
  run(owned: readonly TopicPartition[], reason: string): Promise<TopicPartition[] | undefined>
  /** One heartbeat; resolves to the code that is answered. */
  beat(connection: BrokerConnection, member: GroupMetadata): Promise<number>
  /** How the group is told that the member goes; undefined: it is not. Resolves to the code that is answered. */
  farewell(): ((connection: BrokerConnection) => Promise<number>) | undefined
  /** What the group knew it by, name or epoch, is of no use any more. */
  forget(): void
  /** It has lost its place in the group, or has to take it for lost; a round that is under way fails. */
  dropOut(): void
  /** A round that is under way fails, at once. */
  abandon(): void
  /** The member is about to leave, and has nothing: as {@link abandon}, but for who would have no name then to leave by. There is no other round. */
  retire(): void
  /** A heartbeat could not be sent, or was not answered: the coordinator may be another by now, and a question that others delay would wait at the one before in vain. */
  unheard(): void
  close(): void
}

export interface RoundEvents {
  /** It is about to ask to join, as this member. */
  readonly onJoining: (member: GroupMetadata, coordinator: BrokerAddress | undefined) => void
  /** The member has another place in the group; what it is to have may not be known yet. */
  readonly onJoined: (member: GroupMetadata, coordinator: BrokerAddress | undefined) => void
  /** This member leads, and shares out topics of so many partitions, by their names. */
  readonly onLeading: (counts: ReadonlyMap<string, number>) => void
  /** Partitions whose state it is to follow, all of them. Not told by the protocol of KIP-848. */
  readonly onStandbys: (partitions: readonly TopicPartition[]) => void
  /** A heartbeat was told that the member is to have something else. */
  readonly onChanged: () => void
  /** A question that may change its place was answered, or never will be. */
  readonly onSettled: () => void
  /** The group has refused it, with a code of the protocol. */
  readonly onRefused: (code: number) => void
}

/** What the rounds have to know of the member. */
export interface RoundsMember {
  readonly owned: () => readonly TopicPartition[]
  /** Resolves when nobody uses the member's place in the group any more; undefined: nobody does. */
  readonly inUse: () => Promise<void> | undefined
  /** The member's epoch as the thread knows it which stands in for it, and may have been told another; 0: it has none. */
  readonly toldEpoch: () => number
}

export interface RoundParts {
  readonly cluster: Cluster
  readonly coordinator: Coordinator
  readonly options: ResolvedGroupOptions
  readonly member: RoundsMember
  readonly events: RoundEvents
}
