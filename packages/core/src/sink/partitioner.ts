import type { StreamRecord } from '../batch/stream-record.ts'

/** The partition (0 to `partitions` - 1) a record is written to; `undefined` leaves it to the default: by key, as Kafka's. */
export type Partitioner<K, V> = (record: StreamRecord<K, V>, partitions: number) => number | undefined
