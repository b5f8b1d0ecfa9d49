import type { BatchTrigger } from './batch-trigger.ts'
import type { Headers } from './headers.ts'
import type { StreamRecord } from './stream-record.ts'

/**
 * Records of **one topic-partition, in offset order**. Nodes further down receive what the nodes before them forwarded, still in the order
 * of the source records it came from; `offset(i)` is then the offset of that source record, and may repeat.
 *
 * Columns first: read `keys` and `values` in a plain loop; `record(i)` and iteration make an object per record for who wants one.
 */
export interface RecordBatch<K, V> extends Iterable<StreamRecord<K, V>> {
  readonly topic: string
  readonly partition: number
  /** Number of records, at least one. */
  readonly length: number
  /** One key per record. Decoded as a whole on first use. */
  readonly keys: readonly K[]
  /** One value per record. Decoded as a whole on first use. */
  readonly values: readonly V[]
  /** Offset of the first record's source record. */
  readonly firstOffset: number
  /** Offset of the last record's source record. */
  readonly lastOffset: number
  readonly trigger: BatchTrigger
  /** Event time of record `i`, milliseconds since the epoch. */
  timestamp(i: number): number
  /** Offset of the source record that record `i` comes from. */
  offset(i: number): number
  /** Headers of record `i`; {@link NO_HEADERS} where it has none. */
  headers(i: number): Headers
  /** Stream time of the task once record `i` had been taken: the highest timestamp seen, milliseconds since the epoch. */
  streamTime(i: number): number
  /** Record `i` as an object. */
  record(i: number): StreamRecord<K, V>
}

/** What {@link ProcessorContext.forwardBatch} takes: columns of equal length. */
export interface OutputColumns<K, V> {
  readonly keys: readonly K[]
  readonly values: readonly V[]
  /** Milliseconds since the epoch. Default: the timestamp of each record's source. */
  readonly timestamps?: ArrayLike<number> | undefined
  /** Default: none. */
  readonly headers?: readonly (Headers | undefined)[] | undefined
  /**
   * For each output record, the index in the input batch of the record it comes from. Default: one to one where the lengths are equal;
   * otherwise every record comes from the last one of the input batch. Output is put in the order of its sources (stable).
   */
  readonly sources?: ArrayLike<number> | undefined
}
