import type {
  GroupDescription,
  IsolationLevel,
  Logger,
  NewTopic,
  OffsetCommit,
  RecordSourceOptions,
  RecordWriterOptions,
  TopicPartition,
  TopicPartitionOffset,
  WireBatch,
  WriteBatch,
} from '@millrace/core'
import type { ClientError } from './client-error.ts'

/**
 * What this package needs of a Kafka client library. It is small so that another library can take the place of the present one: batches go
 * through it as columns, and everything that is a trap of one library stays behind it. Promises reject with a {@link ClientError}, and
 * always settle: each adapter sets time limits of its own.
 */
export interface KafkaClient {
  openConsumer(options: RecordSourceOptions, logger: Logger): Promise<ConsumerClient>
  openProducer(options: RecordWriterOptions, logger: Logger): Promise<ProducerClient>
  openAdmin(logger: Logger): Promise<AdminClient>
}

/** What a consumer tells. The first is a hint and may come too often or, rarely, not at all; of the others see {@link ConsumerClient.tellsOnlyInFetch}. */
export interface ConsumerEvents {
  /** There is something to fetch. */
  readonly onReady: () => void
  /** The group gives or takes partitions: nothing more happens in the group until `completeAssign` or `completeRevoke` answers. */
  readonly onRebalance: (rebalance: Rebalance) => void
  /** A commit was confirmed, or refused at least in part. */
  readonly onCommitted: (error: ClientError | undefined, offsets: readonly TopicPartitionOffset[]) => void
}

export interface Rebalance {
  readonly type: 'assign' | 'revoke' | 'lost'
  readonly partitions: readonly TopicPartition[]
}

export interface Fetched {
  /** In offset order within a partition. */
  readonly batches: readonly WireBatch[]
  /** Partitions whose end was reached, behind the records of this result. */
  readonly ends: readonly TopicPartitionOffset[]
  readonly records: number
}

/** Reads. One `fetch` at a time; `seek` and what changes the assignment only while none is under way. */
export interface ConsumerClient {
  /** See {@link RecordSource.placesStandbys}. */
  readonly placesStandbys: boolean
  /** Rebalances and commits are told only while `fetch` is called: who waits for one has to call it. */
  readonly tellsOnlyInFetch: boolean
  /** Called once, before anything else. */
  listen(events: ConsumerEvents): void
  /** Takes what has arrived, without waiting. Messages may hide an error behind them: it is told by a later fetch or not at all. */
  fetch(maxRecords: number): Promise<Fetched>
  /** Joins the group, or changes what is read in it. */
  subscribe(topics: readonly string[]): void
  /** Leaves the group; what is assigned is asked back. */
  unsubscribe(): Promise<void>
  /** Without a group. What is assigned is not paused, here and in `completeAssign`. */
  assign(positions: readonly TopicPartitionOffset[]): void
  completeAssign(positions: readonly TopicPartitionOffset[]): void
  completeRevoke(partitions: readonly TopicPartition[]): void
  /** Begins an assigned partition anew, which has stopped for good and can't be sought; `all` are the positions of all, this one's included. */
  restart(position: TopicPartitionOffset, all: readonly TopicPartitionOffset[]): void
  seek(position: TopicPartitionOffset): Promise<void>
  /** Drops what the client has read ahead: reading goes on behind the last record fetched. */
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  /** Only sends; see `onCommitted`. */
  commit(offsets: readonly OffsetCommit[]): void
  committed(partitions: readonly TopicPartition[]): Promise<readonly OffsetCommit[]>
  /** First and end offsets of each partition, as the broker knows them now. */
  offsetRanges(partitions: readonly TopicPartition[]): Promise<readonly OffsetRange[]>
  /** Those of `topics` that exist; never creates one. */
  existing(topics: readonly string[]): Promise<ReadonlySet<string>>
  /** Names of all topics, internal ones too. */
  listTopics(): Promise<readonly string[]>
  /** This one is about to be closed: what `offsetRanges`, `existing` and `listTopics` ask is not asked again, and no seek is tried again. */
  endQuestions(): void
  /** Everything revoked and unsubscribed before. Waits for what is under way; rejects when that takes long, and disconnects later then. */
  close(): Promise<void>
}

export interface OffsetRange extends TopicPartition {
  readonly from: number
  readonly to: number
}

export interface DeliveryFailure {
  readonly topic: string
  /** -1 where it is not known. */
  readonly partition: number
  readonly error: ClientError
}

/** What became of a record that was queued: where it is, or why it may not be there. */
export type DeliveryReport =
  | { readonly partition: number; readonly offset: number; readonly error?: undefined }
  | { readonly partition: number; readonly error: ClientError }

/** Told what became of a row. */
export type ReportRow = (row: number, delivered: DeliveryReport) => void

/** Rows of a batch from `from` up to `to`. */
export interface RowRange {
  readonly from: number
  readonly to: number
}

/** How far rows were queued. */
export interface QueuedRows {
  /** Up to this row. */
  readonly queued: number
  /** Why those behind it were not, which are not reported. Absent: all were. */
  readonly error?: unknown
  /** Up to which row the error is that of each. Default: of one. */
  readonly refused?: number
}

/** Writes, in order and idempotently. */
export interface ProducerClient {
  /** Called once, before anything else: `onFailure` is told of records that were accepted and could not be delivered. */
  listen(onFailure: (failure: DeliveryFailure) => void): void
  /** Queues rows from `from` up to `to`, or until the queue is full; returns the row to go on with, or waits for room. Rows that can never be delivered are reported as failures. */
  produce(batch: WriteBatch, from: number, to: number): number | Promise<number>
  /**
   * Queues rows from `from` up to `to`, of producers opened with `deliveryReports`, until one can't be queued; `report` is called once for each that was, when it was
   * acknowledged or given up.
   */
  produceReported(batch: WriteBatch, rows: RowRange, report: ReportRow): QueuedRows | Promise<QueuedRows>
  /** Resolves to whether everything was acknowledged or has failed within the time; failures have been reported by then. */
  flush(timeoutMs: number): Promise<boolean>
  begin(): Promise<void>
  /** Fenced by the membership of `consumer`, which must be one of the same library. */
  sendOffsets(offsets: readonly OffsetCommit[], consumer: ConsumerClient): Promise<void>
  commit(): Promise<void>
  /** `timeoutMs`: for who does not go on; the broker aborts by itself when the transaction times out. */
  abort(timeoutMs?: number): Promise<void>
  /** Those of `topics` that exist; never creates one. */
  existing(topics: readonly string[]): Promise<ReadonlySet<string>>
  /** Drops what was not delivered: flush before. What is dropped may be told as failures. */
  close(): Promise<void>
}

export interface TopicState {
  readonly topic: string
  /** Absent where the broker gives topics none. */
  readonly id: string | undefined
  readonly partitions: number
  /** Every partition has a leader. */
  readonly ready: boolean
}

export interface AdminClient {
  createTopic(topic: NewTopic): Promise<void>
  deleteTopic(topic: string): Promise<void>
  /** Names of all topics, internal ones too. */
  listTopics(): Promise<readonly string[]>
  /** Those that exist, in the order asked for; never creates one. */
  describeTopics(topics: readonly string[]): Promise<readonly TopicState[]>
  /** `at` is a time in milliseconds, answered with offset -1 where no record is that young. */
  listOffsets(
    partitions: readonly TopicPartition[],
    at: 'beginning' | 'end' | number,
    isolation: IsolationLevel,
  ): Promise<readonly TopicPartitionOffset[]>
  groupOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<readonly OffsetCommit[]>
  describeGroup(groupId: string): Promise<GroupDescription>
  deleteRecords(offsets: readonly TopicPartitionOffset[]): Promise<void>
  close(): Promise<void>
}
