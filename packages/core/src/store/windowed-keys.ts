/** A window of a key: it begins at `start`, milliseconds since the epoch; how long it is the store knows. */
export interface WindowKey<K> {
  readonly key: K
  readonly start: number
}

/** A session of a key: from its first to its last record, both inclusive, in milliseconds since the epoch. */
export interface SessionKey<K> {
  readonly key: K
  readonly start: number
  readonly end: number
}

/** A span of time in milliseconds since the epoch. Absent bounds are open. */
export interface TimeRange {
  /** Inclusive. */
  readonly from?: number | undefined
  /** Exclusive. */
  readonly to?: number | undefined
  /** The latest first. Default: false. */
  readonly reverse?: boolean | undefined
}

/** Which sessions: those that a record at some time could belong to, say. Absent bounds are open. */
export interface SessionRange {
  /** Sessions that end then or later. */
  readonly earliestEnd?: number | undefined
  /** Sessions that start then or before. */
  readonly latestStart?: number | undefined
  /** The last to end first. Default: false. */
  readonly reverse?: boolean | undefined
}
