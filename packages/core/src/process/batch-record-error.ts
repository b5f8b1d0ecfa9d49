import { MillraceError } from '../errors/millrace-error.ts'

/** Thrown by a batch processor: record `index` of the batch failed, all records before it are good. */
export class BatchRecordError extends MillraceError {
  override readonly name = 'BatchRecordError'
  readonly index: number

  constructor(index: number, cause: unknown) {
    super('RECORD_FAILED', `Record ${index} of the batch failed: ${cause instanceof Error ? cause.message : String(cause)}`, {
      stage: 'process',
      cause,
    })
    this.index = index
  }
}
