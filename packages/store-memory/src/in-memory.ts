import {
  type ChangelogOptions,
  defineKeyValueStore,
  defineSessionStore,
  defineTimestampedKeyValueStore,
  defineWindowStore,
  type KeyValueStoreDefinition,
  type OpenStoreBackend,
  type Serde,
  type SessionStoreDefinition,
  type TimestampedKeyValueStoreDefinition,
  type WindowStoreDefinition,
} from '@millrace/core'
import { MemoryStoreBackend } from './memory-store-backend.ts'

/** A key-value store in memory. */
export interface InMemoryStoreOptions<K, V> {
  /** Unique in the topology; names the changelog topic. */
  readonly name: string
  readonly key: Serde<K>
  readonly value: Serde<V>
  /** False: there is no changelog, and what is in the store is lost when its task ends. Default: a changelog with Millrace's settings. */
  readonly changelog?: ChangelogOptions | false | undefined
}

/** A session store in memory. */
export interface InMemorySessionStoreOptions<K, V> extends InMemoryStoreOptions<K, V> {
  /** How long entries are kept after their end, in milliseconds of stream time: at least 1. */
  readonly retentionMs: number
}

/** A window store in memory. */
export interface InMemoryWindowStoreOptions<K, V> extends InMemoryStoreOptions<K, V> {
  /** How long a window is, in milliseconds: at least 1. */
  readonly windowSizeMs: number
  /** How long entries are kept after their window's start, in milliseconds of stream time: at least `windowSizeMs`. */
  readonly retentionMs: number
}

const open: OpenStoreBackend = () => Promise.resolve(new MemoryStoreBackend())

/** Stores in memory. They are restored from their changelog when a task starts. */
export const inMemory = Object.freeze({
  /** A key-value store. */
  keyValueStore<K, V>(options: InMemoryStoreOptions<K, V>): KeyValueStoreDefinition<K, V> {
    return defineKeyValueStore({ ...options, access: 'sync', open })
  },
  /** A key-value store that keeps a timestamp with each value. */
  timestampedKeyValueStore<K, V>(options: InMemoryStoreOptions<K, V>): TimestampedKeyValueStoreDefinition<K, V> {
    return defineTimestampedKeyValueStore({ ...options, access: 'sync', open })
  },
  /** A store of windows. */
  windowStore<K, V>(options: InMemoryWindowStoreOptions<K, V>): WindowStoreDefinition<K, V> {
    return defineWindowStore({ ...options, access: 'sync', open })
  },
  /** A store of sessions. */
  sessionStore<K, V>(options: InMemorySessionStoreOptions<K, V>): SessionStoreDefinition<K, V> {
    return defineSessionStore({ ...options, access: 'sync', open })
  },
})
