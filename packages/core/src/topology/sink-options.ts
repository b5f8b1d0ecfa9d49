import type { Serde } from '../serde/serde.ts'
import type { Partitioner } from '../sink/partitioner.ts'
import type { TopicExtractor } from '../sink/topic-extractor.ts'

/** Where a sink writes records of `K` and `V`, and how: its serdes may take wider types. */
export interface SinkOptions<K, V, KSerde, VSerde> {
  /** A topic, or a function that chooses one for each record. Topics must exist. */
  readonly topic: string | TopicExtractor<K, V>
  readonly key: Serde<KSerde>
  readonly value: Serde<VSerde>
  /** Default: by key, as Kafka's default partitioner. */
  readonly partitioner?: Partitioner<K, V> | undefined
}
