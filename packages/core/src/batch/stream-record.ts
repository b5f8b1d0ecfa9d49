import type { Headers } from './headers.ts'

/** One record on its way through a topology. */
export interface StreamRecord<K, V> {
  readonly key: K
  readonly value: V
  /** Event time in milliseconds since the epoch. */
  readonly timestamp: number
  readonly headers: Headers
  /** Topic of the source record this one comes from; absent in punctuators. */
  readonly topic?: string | undefined
  /** Partition of the source record this one comes from; absent in punctuators. */
  readonly partition?: number | undefined
  /** Offset of the source record this one comes from; absent in punctuators. */
  readonly offset?: number | undefined
}

/** What a processor forwards: a record whose headers may be left out (then none). */
export interface OutputRecord<K, V> {
  readonly key: K
  readonly value: V
  /** Event time in milliseconds since the epoch. */
  readonly timestamp: number
  /** Default: none. */
  readonly headers?: Headers | undefined
  /** Not heeded: it is here so that a record can be passed on as it came. */
  readonly topic?: string | undefined
  /** Not heeded: a sink writes by key, or where its partitioner says. */
  readonly partition?: number | undefined
  /** Says which record of a batch it comes from: that of this offset. Default: the last one. A single record's offspring comes from that record. */
  readonly offset?: number | undefined
}
