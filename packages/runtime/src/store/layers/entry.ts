import type { StoreChange } from '@millrace/core'

/** One entry of a state layer; without a value it is a deletion, or says that the backend has none. */
export interface Entry extends StoreChange {
  /** The decoded value once somebody has asked for it, kept only where the serde says that values are immutable. */
  decoded: unknown
  /** Event time of the change, milliseconds since the epoch. */
  readonly timestamp: number
  /** What it takes in memory. Kept, because to look at two arrays for it costs more than what it is asked for. */
  readonly bytes: number
}

/** What an entry of small arrays costs beside their bytes, as measured: the objects, the map's slot, the decoded value. */
const ENTRY_COST = 500

export function newEntry(key: Uint8Array, value: Uint8Array | undefined, timestamp: number): Entry {
  return { key, value, decoded: undefined, timestamp, bytes: ENTRY_COST + key.byteLength + (value === undefined ? 0 : value.byteLength) }
}
