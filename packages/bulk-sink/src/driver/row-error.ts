import { MillraceError } from '@millrace/core'

/** A value that can't be what its column wants: this row's fault and no other's. */
export class RowError extends MillraceError {
  override readonly name = 'RowError'
  /** Index among the rows that were to be inserted. */
  readonly index: number
  readonly table: string
  readonly column: string

  constructor(at: { readonly index: number; readonly table: string; readonly column: string }, reason: string) {
    super('ROW_INVALID', `Column '${at.column}' of table '${at.table}': ${reason}`, { stage: 'sink' })
    this.index = at.index
    this.table = at.table
    this.column = at.column
  }
}
