import {
  type ChangelogOptions,
  defineKeyValueStore,
  defineSessionStore,
  defineTimestampedKeyValueStore,
  defineWindowStore,
  type KeyValueStoreDefinition,
  type Serde,
  type SessionStoreDefinition,
  type TimestampedKeyValueStoreDefinition,
  type WindowStoreDefinition,
} from '@millrace/core'
import { type LevelDbOptions, openLevelDb } from './open-leveldb.ts'

/** A key-value store on LevelDB. */
export interface LevelDbStoreOptions<K, V> extends LevelDbOptions {
  /** Unique in the topology; names the folder and the changelog topic. */
  readonly name: string
  readonly key: Serde<K>
  readonly value: Serde<V>
  /** False: there is no changelog; what is lost with the local disk is lost. Default: a changelog with Millrace's settings. */
  readonly changelog?: ChangelogOptions | false | undefined
}

/** A session store on LevelDB. */
export interface LevelDbSessionStoreOptions<K, V> extends LevelDbStoreOptions<K, V> {
  /** How long entries are kept after their end, in milliseconds of stream time: at least 1. */
  readonly retentionMs: number
}

/** A window store on LevelDB. */
export interface LevelDbWindowStoreOptions<K, V> extends LevelDbStoreOptions<K, V> {
  /** How long a window is, in milliseconds: at least 1. */
  readonly windowSizeMs: number
  /** How long entries are kept after their window's start, in milliseconds of stream time: at least `windowSizeMs`. */
  readonly retentionMs: number
}

/** Stores on LevelDB, one database for each store of each task. */
export const leveldb = Object.freeze({
  /** A key-value store. */
  keyValueStore<K, V>(options: LevelDbStoreOptions<K, V>): KeyValueStoreDefinition<K, V> {
    return defineKeyValueStore(onLevelDb(options))
  },
  /** A key-value store that keeps a timestamp with each value. */
  timestampedKeyValueStore<K, V>(options: LevelDbStoreOptions<K, V>): TimestampedKeyValueStoreDefinition<K, V> {
    return defineTimestampedKeyValueStore(onLevelDb(options))
  },
  /** A store of windows. */
  windowStore<K, V>({ windowSizeMs, retentionMs, ...options }: LevelDbWindowStoreOptions<K, V>): WindowStoreDefinition<K, V> {
    return defineWindowStore({ ...onLevelDb(options), windowSizeMs, retentionMs })
  },
  /** A store of sessions. */
  sessionStore<K, V>({ retentionMs, ...options }: LevelDbSessionStoreOptions<K, V>): SessionStoreDefinition<K, V> {
    return defineSessionStore({ ...onLevelDb(options), retentionMs })
  },
})

function onLevelDb<K, V>({ name, key, value, changelog, ...database }: LevelDbStoreOptions<K, V>) {
  const open = (where: Parameters<typeof openLevelDb>[0]) => openLevelDb(where, database)
  return { name, key, value, changelog, access: 'sync' as const, open }
}
