import type { RecordBatch } from '../batch/record-batch.ts'
import type { CommitParticipant } from '../commit/commit-participant.ts'
import type { Clock } from '../observe/clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { CircuitState } from '../observe/observer.ts'
import type { TopicPartition, TopicPartitionOffset } from '../transport/topic-partition.ts'

/** What came of one record at a sink outside of the log. */
export interface StagedRecord {
  /** Of the source record that it comes from; topic '' : it comes from none, but from a punctuator. */
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Milliseconds since 1970. */
  readonly timestamp: number
  /** What the sink made of it. */
  readonly staged: unknown
}

/** A record of which something can't be stored, for what it is. */
export interface RefusedRecord extends TopicPartitionOffset {
  /** Milliseconds since 1970. */
  readonly timestamp: number
  /** What can't be stored, as bytes that a person can read. */
  readonly value: Uint8Array
  readonly error: Error
}

/** A partition whose task begins. */
export interface StartingPartition extends TopicPartitionOffset {
  /** The first offset that its topic has. */
  readonly begin: number
  /** The offset after the last. */
  readonly end: number
  /** Of its topic: a topic that is deleted and created anew has another. Undefined: the log gives its topics none. */
  readonly topicId?: string | undefined
}

/** What a sink outside of the log is opened with. */
export interface OutsideSinkContext {
  readonly applicationId: string
  /** Name of its node. */
  readonly node: string
  readonly clock: Clock
  readonly logger: Logger
  /**
   * Gives up a record, as the policy of `failure.produce` says; resolves when its dead letter, if there is to be one, is durable. Rejects if the application is
   * to stop: the record is not done then.
   */
  readonly refuse: (record: RefusedRecord) => Promise<void>
  /** Stops the application with an error: what is wrong somebody has to mend, and making its tasks anew would not. Absent: there is none to stop. */
  readonly fail?: ((error: Error) => void) | undefined
}

/**
 * A sink outside of the log, opened for one application. Its rows wait for as long as it likes: their offsets wait with them, and nothing else. As a
 * {@link CommitParticipant} it is asked how far each partition is stored; asked to `flush`, it stores what it can within the signal's time first.
 */
export interface OpenOutsideSink<K, V> extends CommitParticipant {
  /**
   * Tasks begin to process these; awaited before their first record. What it needs and can't reach is waited for, until the signal is aborted: they are not to
   * begin any more, and others may have the partitions. An answer that comes later is to have no effect here.
   */
  assign(partitions: readonly StartingPartition[], signal: AbortSignal): Promise<void>
  /** Their tasks are over, in whatever way: what is not stored of them is dropped, and never stored. */
  revoke(partitions: readonly TopicPartition[]): void
  /** What each record of a batch is to it, by index. Throws a `BatchRecordError` for one that it can't take. */
  stage(batch: RecordBatch<K, V>): readonly unknown[]
  /** A pass is done, and these are what came of it: those of a partition in the order of their offsets. */
  accept(records: readonly StagedRecord[]): void
  /** Its circuit breakers that are not closed, by what they are of, such as a table. Absent: it has none. */
  readonly circuits?: ReadonlyMap<string, CircuitState>
  /** Whether passes of a task that reads these partitions are to wait for room. */
  full(partitions: readonly TopicPartition[]): boolean
  /** Resolves when there may be room for that task. */
  room(partitions: readonly TopicPartition[]): Promise<void>
  /** Ends what is under way. What is not stored is read again by whoever has the partitions next. */
  close(): Promise<void>
}

/** A sink outside of the log, such as a database: inert until an application opens it. */
export interface OutsideSink<K, V> {
  /** Called once by each application that starts. Rejects if it can't work there. */
  readonly open: (context: OutsideSinkContext) => Promise<OpenOutsideSink<K, V>>
}
