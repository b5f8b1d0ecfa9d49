import { MillraceError } from '@millrace/core'
import type { Blame, SinkDriver } from './driver.ts'
import { RowError } from './row-error.ts'

/** An insert that the database refused. */
export class InsertFailed extends MillraceError {
  override readonly name = 'InsertFailed'
  readonly table: string
  readonly blame: Blame

  constructor(table: string, blame: Blame, cause: unknown) {
    const reason = cause instanceof Error ? cause.message || cause.name : String(cause)
    super('INSERT_FAILED', `An insert into '${table}' failed: ${reason}`, {
      stage: 'sink',
      retryable: blame !== 'rows' && blame !== 'reference',
      cause,
    })
    this.table = table
    this.blame = blame
  }
}

/** What a driver rejected with, with who is to blame. */
export function insertFailed(table: string, driver: SinkDriver, error: unknown): InsertFailed | RowError {
  return error instanceof RowError || error instanceof InsertFailed ? error : new InsertFailed(table, driver.blame(error), error)
}
