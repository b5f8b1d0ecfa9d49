import { MillraceError } from '../errors/millrace-error.ts'

/** An item failed for good, and nothing was to be skipped. */
export class BatcherFailed<T = unknown> extends MillraceError {
  override readonly name = 'BatcherFailed'
  /** What was not processed, in order: of the batch that failed all items, and those that waited. */
  readonly unprocessed: readonly T[]

  constructor(batcher: string, cause: unknown, unprocessed: readonly T[]) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super('BATCHER_FAILED', `The batcher '${batcher}' failed, with ${unprocessed.length} items not processed: ${reason}`, {
      stage: 'batch',
      cause,
    })
    this.unprocessed = unprocessed
  }
}
