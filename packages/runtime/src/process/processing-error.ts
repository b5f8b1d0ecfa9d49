import { BatchRecordError, MillraceError, type RecordBatch, TaskClosedError } from '@millrace/core'
import { OutputBudgetExceeded } from './output-budget.ts'

/** A processor failed. `offset` is that of the record at fault where it is known. */
export class ProcessingError extends MillraceError {
  override readonly name = 'ProcessingError'
}

/** What a processor threw or reported, of the error that says where; any other error itself. */
export function thrownBy(error: unknown): unknown {
  return error instanceof ProcessingError ? error.cause : error
}

/** A record of a source batch that failed. */
export interface FailedRow {
  /** Its index in the source batch. */
  readonly row: number
  readonly error: unknown
}

/** Some records failed while all others were done, and what was done can't be kept without them. */
export class RecordsFailed extends Error {
  override readonly name = 'RecordsFailed'
  readonly failed: readonly FailedRow[]

  constructor(failed: readonly FailedRow[]) {
    super(`${failed.length} records failed.`, { cause: failed[0]?.error })
    this.failed = failed
  }
}

/** Not an error of the record that was being processed: the whole pass ends. */
export function isOfEngine(error: unknown): boolean {
  return error instanceof OutputBudgetExceeded || error instanceof TaskClosedError
}

/** Says which record, node and topic-partition an error of a node concerns. Errors of the engine itself pass unchanged. */
export function processingError(node: string, batch: RecordBatch<unknown, unknown>, index: number | undefined, error: unknown): unknown {
  if (isOfEngine(error) || error instanceof ProcessingError) return error
  // A record that is known speaks for itself: an index in its own error is none of this batch.
  const at = index ?? (error instanceof BatchRecordError ? error.index : undefined)
  const known = at !== undefined && at >= 0 && at < batch.length
  const cause = error instanceof BatchRecordError ? error.cause : error
  const reason = cause instanceof Error ? cause.message : String(cause)
  const where =
    batch.topic === ''
      ? 'in a punctuator'
      : known
        ? `at ${batch.topic}-${batch.partition}, offset ${batch.offset(at)}`
        : `in a batch of ${batch.length} records of ${batch.topic}-${batch.partition}, offsets ${batch.firstOffset} to ${batch.lastOffset}`
  return new ProcessingError('PROCESSING_FAILED', `Node '${node}' failed ${where}: ${reason}`, {
    stage: 'process',
    cause,
    node,
    topic: batch.topic === '' ? undefined : batch.topic,
    partition: batch.partition,
    offset: known && batch.topic !== '' ? batch.offset(at) : undefined,
  })
}
