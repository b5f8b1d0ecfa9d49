/** One row: a value for each column that is given; `undefined` counts as not given. Not to be changed after it was handed over. */
export type Row = Readonly<Record<string, unknown>>

/** A table with a row for it. */
export interface TableRow {
  readonly table: string
  readonly row: Row
  /** 1 is the highest. Default: the table's. */
  readonly priority?: number | undefined
}
