import type { Serde } from '../serde/serde.ts'
import type { BatchKeyValueStore, KeyValueStore } from './key-value-store.ts'
import type { OpenStoreBackend } from './store-backend.ts'

declare const storeType: unique symbol

/** A typed handle of a store: what processors name, and what {@link ProcessorContext.store} is typed by. */
export interface StoreDefinition<Store = unknown> {
  readonly shape: 'key-value'
  /** Unique in a topology; names the local folder and the changelog topic. */
  readonly name: string
  readonly access: 'sync' | 'async'
  /** Opens the backend for one task. */
  readonly open: OpenStoreBackend
  /** Only for the compiler. */
  readonly [storeType]?: Store
}

/** A key-value store whose backend answers at once. */
export interface KeyValueStoreDefinition<K, V> extends StoreDefinition<KeyValueStore<K, V>> {
  readonly access: 'sync'
  readonly key: Serde<K>
  readonly value: Serde<V>
}

/** A key-value store whose backend answers later: no `get`. */
export interface AsyncKeyValueStoreDefinition<K, V> extends StoreDefinition<BatchKeyValueStore<K, V>> {
  readonly access: 'async'
  readonly key: Serde<K>
  readonly value: Serde<V>
}

/** A store of any type, where types are erased. */
export type AnyStoreDefinition = StoreDefinition<unknown>

/** What a key-value store is made of. */
export interface KeyValueStoreOptions<K, V, Access extends 'sync' | 'async'> {
  /** Letters, digits, `.`, `_`, `-`, at most 200. Unique in a topology; names the local folder and the changelog topic. */
  readonly name: string
  readonly key: Serde<K>
  readonly value: Serde<V>
  /** `sync`: the backend answers at once, and processors get a `get`. Opening rejects with `STORE_ACCESS` if the backend says otherwise. */
  readonly access: Access
  /** Opens the backend for one task. */
  readonly open: OpenStoreBackend
}

/** Defines a key-value store over any backend. Throws a `TypeError` for a name that can't name a folder and a topic. */
export function defineKeyValueStore<K, V>(options: KeyValueStoreOptions<K, V, 'sync'>): KeyValueStoreDefinition<K, V>
export function defineKeyValueStore<K, V>(options: KeyValueStoreOptions<K, V, 'async'>): AsyncKeyValueStoreDefinition<K, V>
export function defineKeyValueStore<K, V>(
  options: KeyValueStoreOptions<K, V, 'sync' | 'async'>,
): KeyValueStoreDefinition<K, V> | AsyncKeyValueStoreDefinition<K, V> {
  if (!/^[a-zA-Z0-9._-]{1,200}$/.test(options.name) || options.name === '.' || options.name === '..') {
    throw new TypeError(
      `A store can't be named '${options.name}': use letters, digits, '.', '_' and '-' (its name becomes a folder and a topic).`,
    )
  }
  return Object.freeze({ shape: 'key-value' as const, ...options }) as KeyValueStoreDefinition<K, V> | AsyncKeyValueStoreDefinition<K, V>
}
