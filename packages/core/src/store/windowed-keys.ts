/** A window of a key. How long it is the store knows. */
export interface WindowKey<K> {
  readonly key: K
  /** When it begins: milliseconds since the epoch, a whole number from 0 up. */
  readonly start: number
}

/** A session of a key: a period of activity. */
export interface SessionKey<K> {
  readonly key: K
  /** Its first record: milliseconds since the epoch, a whole number from 0 up. */
  readonly start: number
  /** Its last record, inclusive: milliseconds since the epoch, no less than `start`. */
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
