import type { BytesColumn } from '../batch/bytes-column.ts'
import type { Headers } from '../batch/headers.ts'
import type { MillraceError } from '../errors/millrace-error.ts'
import type { RecordSource } from './record-source.ts'
import type { OffsetCommit } from './topic-partition.ts'

/** How records are compressed on their way and in the log. */
export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** Every codec there is. */
export const COMPRESSIONS: readonly Compression[] = Object.freeze(['none', 'gzip', 'snappy', 'lz4', 'zstd'])

/** What a writer is opened for. */
export interface RecordWriterOptions {
  readonly clientId: string
  /** Makes the writer transactional; a later writer of the same id fences this one. */
  readonly transactionalId?: string | undefined
  /** How long a transaction may stay open before the broker aborts it, in milliseconds. Default: 10,000. */
  readonly transactionTimeoutMs?: number | undefined
  /** Opens the writer for `send`, which tells what became of each record; that costs more than `writeBatch` does. Default: false. */
  readonly deliveryReports?: boolean | undefined
  /** How its records are compressed, where the transport does that. Default: the transport's. */
  readonly compression?: Compression | undefined
}

/** Records for one topic, as columns. */
export interface WriteBatch {
  readonly topic: string
  readonly length: number
  readonly keys: BytesColumn
  readonly values: BytesColumn
  /** Milliseconds since the epoch. */
  readonly timestamps: ArrayLike<number>
  /** Absent: no record has headers. */
  readonly headers?: readonly (Headers | undefined)[] | undefined
  /** Partition of each record. Absent, or -1: by key, as Kafka's default partitioner (murmur2; records without key are spread). */
  readonly partitions?: ArrayLike<number> | undefined
}

/** A record that could not be delivered. */
export interface WriteFailure {
  readonly topic: string
  /** -1 where it is not known. */
  readonly partition: number
  readonly error: MillraceError
}

/**
 * What became of one record: `written`: it is durable, there; `refused`: it is not in the topic, and won't be; `unknown`: nobody answered, so that it may be
 * there or not, and whoever sends it again may write it twice. The offset is -1 where a broker has had the record from an earlier try and does not say where.
 */
export type Delivery =
  | { readonly outcome: 'written'; readonly partition: number; readonly offset: number }
  | { readonly outcome: 'refused' | 'unknown'; readonly error: MillraceError }

/**
 * Writes records in the order given (one call in flight: await each). Bytes may be reused as soon as the call resolves.
 * After a fatal or fencing error every call rejects: close it and open another.
 */
export interface RecordWriter extends AsyncDisposable {
  /** Resolves when the batch has been accepted: waits instead of growing when the transport is behind. */
  writeBatch(batch: WriteBatch): Promise<void>
  /** Resolves when everything accepted before has been acknowledged or has failed: the failures since the last flush. */
  flush(): Promise<readonly WriteFailure[]>
  /**
   * Writers with `deliveryReports` only: hands over several batches as one operation and tells of each what became of its records, in their order. The
   * promises never reject. A record that is refused, before it is sent or by the broker, is refused by itself; it may take others that travelled with it
   * along, never ones of another batch. A second batch of a topic is to be sent when the first one's promise has settled: only then is the order of
   * both certain. Bytes may be reused once the promise has settled. A transport without delivery reports leaves it out.
   */
  send?(batches: readonly WriteBatch[]): readonly Promise<readonly Delivery[]>[]
  /** Starts a transaction (writers with a `transactionalId` only, as the following). */
  begin(): Promise<void>
  /** Adds the group's offsets to the transaction, fenced by the membership of `source`. */
  sendOffsets(offsets: readonly OffsetCommit[], source: RecordSource): Promise<void>
  /** Makes everything written since `begin` visible at once. Rejects with `TRANSACTION_ABORTABLE` if any of it failed: then only `abort` is left. */
  commit(): Promise<void>
  /** Drops everything written since `begin`. No transaction open: nothing happens. */
  abort(): Promise<void>
  /** Flushes and releases everything; an open transaction is aborted. Safe to call twice. */
  close(): Promise<void>
}
