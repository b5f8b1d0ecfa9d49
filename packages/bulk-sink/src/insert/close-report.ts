/** What became of a sink's rows when it was closed. */
export interface CloseReport {
  /** Rows stored since it was opened. */
  readonly stored: number
  /** Rows given up since then. */
  readonly rejected: number
  /** Rows that were not stored in time: they are lost, unless whoever wrote them writes them again. */
  readonly left: number
}
