import { type FailureStage, MillraceError } from '@millrace/core'
import { OutputRefused } from '../sink/careful-delivery.ts'
import { ProcessingError } from '../process/processing-error.ts'
import { isStoreFailure } from '../store/is-store-failure.ts'

/** What a sink may refuse to write. */
const PRODUCE_CODES: ReadonlySet<string> = new Set(['SERIALIZATION_FAILED', 'PARTITION_INVALID', 'TOPIC_INVALID', 'TOPIC_MISSING'])

/** At which stage records failed; undefined for what no record is to blame for. */
export function failureStage(error: unknown): FailureStage | undefined {
  if (isStoreFailure(error)) return undefined
  if (error instanceof ProcessingError) return error.topic === undefined ? undefined : 'process'
  if (error instanceof OutputRefused) return 'produce'
  if (error instanceof MillraceError && error.code === 'RECORD_UNDECODABLE') return 'decode'
  if (error instanceof MillraceError && error.stage === 'sink' && PRODUCE_CODES.has(error.code)) return 'produce'
  return undefined
}
