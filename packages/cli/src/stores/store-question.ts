/** What is asked of a store: one key, or entries in order. */
export interface StoreQuestion {
  readonly store: string
  /** As it was written. */
  readonly key?: string | undefined
  /** The first key, or of windows and sessions the first time in milliseconds since 1970. */
  readonly from?: string | undefined
  /** Exclusive. */
  readonly to?: string | undefined
  readonly prefix?: string | undefined
  readonly reverse: boolean
  /** Infinity: all there are. */
  readonly limit: number
}

/** An entry that was found. */
export interface FoundEntry {
  readonly key: unknown
  readonly value: unknown
}

export interface StoreAnswer {
  readonly store: string
  readonly entries: readonly FoundEntry[]
  /** Whether there are more than were asked for. */
  readonly more: boolean
  /** The address of the process whose entries these are, where others may have more; absent: they are of all. */
  readonly process?: string | undefined
}
