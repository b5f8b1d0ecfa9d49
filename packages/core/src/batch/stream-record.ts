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
  readonly headers?: Headers | undefined
  readonly topic?: string | undefined
  readonly partition?: number | undefined
  readonly offset?: number | undefined
}
