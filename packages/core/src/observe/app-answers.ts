/** How far a partition of this process is behind. */
export interface PartitionLag {
  readonly task: string
  readonly topic: string
  readonly partition: number
  /** The offset of the next record to be processed. */
  readonly position: number
  /** The offset of the next record to be written; under exactly-once, behind the last that is committed. */
  readonly end: number
  /** Offsets between the two. */
  readonly lag: number
}

/** What one store of one task holds. */
export interface StoreSize {
  readonly task: string
  readonly store: string
  /** Committed entries, roughly. */
  readonly entries: number
  /** Changes that wait for a commit, in bytes of memory. */
  readonly uncommittedBytes: number
}

/** Where the state of a key is. */
export interface KeyLocation {
  readonly task: string
  readonly partition: number
  /** Whether that is this process. */
  readonly here: boolean
  /** Who has it, as far as the group tells. */
  readonly member: { readonly clientId: string; readonly host: string; readonly address: string | undefined } | undefined
}
