import type { StreamRecord } from '../batch/stream-record.ts'

/** The topic a record is written to. The topic must exist. */
export type TopicExtractor<K, V> = (record: StreamRecord<K, V>) => string
