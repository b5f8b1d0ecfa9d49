import { defineKeyValueStore, type KeyValueStoreDefinition, type Serde } from '@millrace/core'
import { MemoryStoreBackend } from './memory-store-backend.ts'

/** A key-value store in memory. */
export interface InMemoryStoreOptions<K, V> {
  /** Unique in the topology; names the changelog topic. */
  readonly name: string
  readonly key: Serde<K>
  readonly value: Serde<V>
}

/** Stores in memory. They are restored from their changelog when a task starts. */
export const inMemory = Object.freeze({
  /** A key-value store. */
  keyValueStore<K, V>(options: InMemoryStoreOptions<K, V>): KeyValueStoreDefinition<K, V> {
    return defineKeyValueStore({ ...options, access: 'sync', open: () => Promise.resolve(new MemoryStoreBackend()) })
  },
})
