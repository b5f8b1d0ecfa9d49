import type { Serde } from '../serde/serde.ts'

/** How records are written to an internal topic and read back. */
export interface RepartitionOptions<K, V> {
  readonly key: Serde<K>
  readonly value: Serde<V>
  /** Default: as many as the topics it is read together with have, or else as the largest input of what writes it. */
  readonly partitions?: number | undefined
}
