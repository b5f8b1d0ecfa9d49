import type { BatchKeyValueStore, ReadOnlyStore } from './key-value-store.ts'
import type { BatchSessionStore, BatchWindowStore, ReadOnlySessionStore, ReadOnlyWindowStore } from './windowed-store.ts'

/** What a store is from outside the topology: committed state, read asynchronously. */
export type ReadOnlyOf<Store> =
  Store extends BatchWindowStore<infer K, infer V>
    ? ReadOnlyWindowStore<K, V>
    : Store extends BatchSessionStore<infer K, infer V>
      ? ReadOnlySessionStore<K, V>
      : Store extends BatchKeyValueStore<infer K, infer V>
        ? ReadOnlyStore<K, V>
        : never
