import type { StreamRecord } from '../batch/stream-record.ts'

/**
 * The event time of a record, in milliseconds since the epoch; must be a finite number, at least 0. `partitionTime` is the highest timestamp
 * taken from the record's partition before, -1 at the beginning.
 */
export type TimestampExtractor<K, V> = (record: StreamRecord<K, V>, partitionTime: number) => number
