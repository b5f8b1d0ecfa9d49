/** What a writer has done since it was opened, and what waits. */
export interface WriterStatistics {
  /** To brokers, those that were not answered included. */
  readonly requests: number
  /** Acknowledged. */
  readonly batches: number
  /** Acknowledged. */
  readonly records: number
  /** Of what was acknowledged, as it was sent. */
  readonly bytes: number
  /** Times that a batch was to be sent again. */
  readonly retries: number
  /** Records that were not written. */
  readonly failedRecords: number
  /** Accepted, and not acknowledged yet; not compressed. */
  readonly bufferedBytes: number
}

/** Counts of a {@link WriterStatistics}. */
export type WriterCounts = { -readonly [Name in Exclude<keyof WriterStatistics, 'bufferedBytes'>]: number }

export function noCounts(): WriterCounts {
  return { requests: 0, batches: 0, records: 0, bytes: 0, retries: 0, failedRecords: 0 }
}
