/** What a program that writes rows is told. */
export interface SinkMemberConfig {
  /** Of database: as `sinkKinds` names them. */
  readonly kind: string
  readonly url: string
  readonly table: string
  readonly rows: number
  /** Of the text of each. */
  readonly rowBytes: number
}

/** What it tells: first before it begins, last when all is stored. */
export interface SinkReport {
  readonly rssBytes: number
  /** Rows that its sink accepted. */
  readonly written: number
  /** Inserts that failed. */
  readonly failed: number
}
