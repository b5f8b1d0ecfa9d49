import type { OffsetCommit } from '../transport/topic-partition.ts'

/** How urgent a commit is. */
export interface CommitUrgency {
  /** Somebody waits for it, such as a shutdown: what is gathered is stored first. Otherwise what is durable already is enough. */
  readonly flush: boolean
  /** The application is shutting down: what waits for more will get no more. Default: false. */
  readonly ending?: boolean | undefined
  /** Aborted when there is no more time. */
  readonly signal: AbortSignal
}

/** Whoever must be durable before input offsets are committed: the writer, every sink outside Kafka. The coordinator commits the lowest answer. */
export interface CommitParticipant {
  readonly name: string
  /** Resolves to the offsets up to which everything is durable (never beyond `offsets`; those left out are not committed). Rejects when it can't tell. */
  prepare(offsets: readonly OffsetCommit[], urgency: CommitUrgency): Promise<readonly OffsetCommit[]>
}
