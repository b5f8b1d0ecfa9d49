/** One record of a batch that failed. */
export interface RecordFailure {
  /** Index in the batch. */
  readonly index: number
  readonly error: unknown
}

/** What a batch processor may return: the records that failed, by index, each with its error. No failures: all went well. */
export interface BatchOutcome {
  readonly failed: readonly RecordFailure[]
}
