/**
 * State stores on LevelDB. Loads native code.
 *
 * @packageDocumentation
 */
export { leveldb, type LevelDbOptions, openLevelDb } from '@millrace/store-leveldb'
