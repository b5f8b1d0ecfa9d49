/**
 * State stores on LevelDB.
 *
 * ```ts with=names
 * const counts = leveldb.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })
 * ```
 *
 * @packageDocumentation
 */
export { leveldb, type LevelDbSessionStoreOptions, type LevelDbStoreOptions, type LevelDbWindowStoreOptions } from './leveldb.ts'
export { type LevelDbOptions, openLevelDb } from './open-leveldb.ts'
