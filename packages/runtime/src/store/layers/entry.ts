/** One entry of a state layer. */
export interface Entry {
  readonly keyBytes: Uint8Array
  /** Undefined: deleted. */
  readonly valueBytes: Uint8Array | undefined
  /** The decoded value once somebody has asked for it, kept only where the serde says that values are immutable. */
  value: unknown
  /** Event time of the change, milliseconds since the epoch. */
  readonly timestamp: number
}

/** What an entry of small arrays costs beside their bytes, as measured: the objects, the map's slot, the decoded value. */
const ENTRY_COST = 500

export function entryBytes(entry: Entry): number {
  return ENTRY_COST + entry.keyBytes.byteLength + (entry.valueBytes?.byteLength ?? 0)
}
