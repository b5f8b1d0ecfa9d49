import type { TopicPartition } from '@millrace/core'

/** What an assignor needs to know of a member; members come in the order they joined. */
export interface AssignorMember {
  reads(topic: string): boolean
  /** The partitions it was to have before, by `partitionKey`. */
  readonly target: ReadonlyMap<string, TopicPartition>
}

export interface AssignorTopic {
  readonly name: string
  readonly partitions: number
}

/** Each partition at one member at most; every member has an entry. */
export type Assignment<M> = ReadonlyMap<M, readonly TopicPartition[]>
