import type { Serde } from '../serde/serde.ts'
import type { ChangelogOptions } from './changelog-options.ts'
import type { BatchKeyValueStore, KeyValueStore } from './key-value-store.ts'
import type { OpenStoreBackend } from './store-backend.ts'
import { definedStore } from './defined-store.ts'

declare const storeType: unique symbol

/** What a store's entries are kept by: a key, a key with a window, a key with a session; `timestamped-key-value` keeps a timestamp with each value. */
export type StoreShape = 'key-value' | 'timestamped-key-value' | 'window' | 'session'

/** A typed handle of a store: what processors name, and what {@link ProcessorContext.store} is typed by. */
export interface StoreDefinition<Store = unknown> {
  readonly shape: StoreShape
  /** Unique in a topology; names the local folder and the changelog topic. */
  readonly name: string
  readonly access: 'sync' | 'async'
  /** Opens the backend for one task. */
  readonly open: OpenStoreBackend
  /** False: there is no changelog. Default: a changelog with Millrace's settings. */
  readonly changelog?: ChangelogOptions | false | undefined
  /** Only for the compiler. */
  readonly [storeType]?: Store
}

/** A key-value store whose backend answers at once. */
export interface KeyValueStoreDefinition<K, V> extends StoreDefinition<KeyValueStore<K, V>> {
  readonly shape: 'key-value'
  readonly access: 'sync'
  readonly key: Serde<K>
  readonly value: Serde<V>
}

/** A key-value store whose backend answers later: no `get`. */
export interface AsyncKeyValueStoreDefinition<K, V> extends StoreDefinition<BatchKeyValueStore<K, V>> {
  readonly shape: 'key-value'
  readonly access: 'async'
  readonly key: Serde<K>
  readonly value: Serde<V>
}

/** A store of any type, where types are erased. */
export type AnyStoreDefinition = StoreDefinition<unknown>

/** What every store is made of. */
export interface StoreOptions<K, V, Access extends 'sync' | 'async'> {
  /** Letters, digits, `.`, `_`, `-`, at most 200. Unique in a topology; names the local folder and the changelog topic. */
  readonly name: string
  readonly key: Serde<K>
  readonly value: Serde<V>
  /** `sync`: the backend answers at once, and processors get a `get`. Opening rejects with `STORE_ACCESS` if the backend says otherwise. */
  readonly access: Access
  /** Opens the backend for one task. */
  readonly open: OpenStoreBackend
  /** False: there is no changelog, and what is lost with the local disk is lost. Default: a changelog with Millrace's settings. */
  readonly changelog?: ChangelogOptions | false | undefined
}

/** What a key-value store is made of. */
export type KeyValueStoreOptions<K, V, Access extends 'sync' | 'async'> = StoreOptions<K, V, Access>

/** Defines a key-value store over any backend. Throws a `TypeError` for a name that can't name a folder and a topic, and for changelog settings by which state is lost. */
export function defineKeyValueStore<K, V>(options: KeyValueStoreOptions<K, V, 'sync'>): KeyValueStoreDefinition<K, V>
export function defineKeyValueStore<K, V>(options: KeyValueStoreOptions<K, V, 'async'>): AsyncKeyValueStoreDefinition<K, V>
export function defineKeyValueStore<K, V>(
  options: KeyValueStoreOptions<K, V, 'sync' | 'async'>,
): KeyValueStoreDefinition<K, V> | AsyncKeyValueStoreDefinition<K, V> {
  return definedStore('key-value', options) as KeyValueStoreDefinition<K, V> | AsyncKeyValueStoreDefinition<K, V>
}
