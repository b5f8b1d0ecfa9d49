import type { SourceBatchOptions } from '../batch/batch-options.ts'
import type { Serde } from '../serde/serde.ts'
import type { StartAt } from '../source/start-at.ts'
import type { TimestampExtractor } from '../source/timestamp-extractor.ts'

/** What a source reads, and how. */
export interface SourceOptions<K, V> {
  /**
   * Topic names, or patterns without flags for all topics they match, those created later included. A pattern may match any part of a name:
   * `/^orders-/` for its beginning. A topic belongs to one source only.
   */
  readonly topics: readonly (string | RegExp)[]
  readonly key: Serde<K>
  readonly value: Serde<V>
  /** Where to begin without a committed offset. Default: `earliest`. */
  readonly startAt?: StartAt | undefined
  /** Default: the timestamp that the record has in Kafka. */
  readonly timestamp?: TimestampExtractor<K, V> | undefined
  /** What differs from the application's batch options. */
  readonly batch?: SourceBatchOptions | undefined
}
