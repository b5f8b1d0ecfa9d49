import type { OffsetCommit } from '../transport/topic-partition.ts'

/** Whoever must be durable before input offsets are committed: the writer, every sink outside Kafka. The coordinator commits the lowest answer. */
export interface CommitParticipant {
  readonly name: string
  /** Makes everything up to `offsets` durable; resolves to the offsets up to which that is done (never beyond `offsets`). Rejects when it can't tell. */
  prepare(offsets: readonly OffsetCommit[], signal: AbortSignal): Promise<readonly OffsetCommit[]>
}
