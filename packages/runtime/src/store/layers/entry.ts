/** One entry of a state layer. */
export interface Entry {
  readonly keyBytes: Uint8Array
  /** Undefined: deleted. */
  readonly valueBytes: Uint8Array | undefined
  /** The decoded value, kept only where the serde says that values are immutable. */
  readonly value: unknown
  /** Event time of the change, milliseconds since the epoch. */
  readonly timestamp: number
}

/** What an entry costs beside its bytes: objects, a map slot. */
const ENTRY_COST = 100

export function entryBytes(entry: Entry): number {
  return ENTRY_COST + entry.keyBytes.byteLength + (entry.valueBytes?.byteLength ?? 0)
}
