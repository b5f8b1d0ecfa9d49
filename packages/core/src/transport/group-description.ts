import type { TopicPartition } from './topic-partition.ts'

/** One member of a consumer group, as the group's coordinator knows it. */
export interface GroupMember {
  readonly memberId: string
  readonly clientId: string
  /** Where it connects from. */
  readonly host: string
  readonly assigned: readonly TopicPartition[]
}

/** A consumer group. */
export interface GroupDescription {
  readonly groupId: string
  /** Such as `Stable`, `PreparingRebalance`, `Empty`; `Dead` where there is no such group. */
  readonly state: string
  readonly members: readonly GroupMember[]
}
