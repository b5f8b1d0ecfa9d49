import type { Serde } from '../serde/serde.ts'
import { definedStore } from './defined-store.ts'
import type { BatchKeyValueStore, KeyValueStore } from './key-value-store.ts'
import type { StoreDefinition, StoreOptions } from './store-definition.ts'

/** A value, and when it became what it is. */
export interface ValueAndTimestamp<V> {
  readonly value: V
  /** Milliseconds since the epoch: a whole number from 0 up. */
  readonly timestamp: number
}

/** A key-value store that keeps a timestamp with each value, as Kafka Streams' tables do; its backend answers at once. */
export interface TimestampedKeyValueStoreDefinition<K, V> extends StoreDefinition<KeyValueStore<K, ValueAndTimestamp<V>>> {
  readonly shape: 'timestamped-key-value'
  readonly access: 'sync'
  readonly key: Serde<K>
  readonly value: Serde<V>
}

/** The same over a backend that answers later. */
export interface AsyncTimestampedKeyValueStoreDefinition<K, V> extends StoreDefinition<BatchKeyValueStore<K, ValueAndTimestamp<V>>> {
  readonly shape: 'timestamped-key-value'
  readonly access: 'async'
  readonly key: Serde<K>
  readonly value: Serde<V>
}

/**
 * Defines a key-value store over any backend that keeps a timestamp with each value. Its changelog holds the values alone: the timestamps are its
 * records', as in Kafka Streams. Throws a `TypeError` for a name that can't name a folder and a topic.
 */
export function defineTimestampedKeyValueStore<K, V>(options: StoreOptions<K, V, 'sync'>): TimestampedKeyValueStoreDefinition<K, V>
export function defineTimestampedKeyValueStore<K, V>(options: StoreOptions<K, V, 'async'>): AsyncTimestampedKeyValueStoreDefinition<K, V>
export function defineTimestampedKeyValueStore<K, V>(
  options: StoreOptions<K, V, 'sync' | 'async'>,
): TimestampedKeyValueStoreDefinition<K, V> | AsyncTimestampedKeyValueStoreDefinition<K, V> {
  return definedStore('timestamped-key-value', options) as
    | TimestampedKeyValueStoreDefinition<K, V>
    | AsyncTimestampedKeyValueStoreDefinition<K, V>
}
