/**
 * State stores on LevelDB. Loads native code.
 *
 * @packageDocumentation
 */
export { leveldb } from '@millrace/store-leveldb'
