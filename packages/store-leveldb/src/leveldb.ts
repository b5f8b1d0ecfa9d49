import { defineKeyValueStore, type KeyValueStoreDefinition, type Serde } from '@millrace/core'
import { type LevelDbOptions, openLevelDb } from './open-leveldb.ts'

/** A key-value store on LevelDB. */
export interface LevelDbStoreOptions<K, V> extends LevelDbOptions {
  /** Unique in the topology; names the folder and the changelog topic. */
  readonly name: string
  readonly key: Serde<K>
  readonly value: Serde<V>
}

/** Stores on LevelDB, one database for each store of each task. */
export const leveldb = Object.freeze({
  /** A key-value store. */
  keyValueStore<K, V>(options: LevelDbStoreOptions<K, V>): KeyValueStoreDefinition<K, V> {
    const { name, key, value, ...database } = options
    return defineKeyValueStore({ name, key, value, access: 'sync', open: (where) => openLevelDb(where, database) })
  },
})
