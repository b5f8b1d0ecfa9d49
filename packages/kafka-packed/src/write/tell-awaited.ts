import { PackedError } from '../errors/packed-error.ts'
import type { PendingBatch } from './pending-batch.ts'
import type { BatchFailure, BatchOutcome } from './sender.ts'

/** Tells who waits for records of a batch what became of each. Returns what is to be said of those who threw; everybody is told all the same. */
export function tellAwaited({ awaited }: Pick<PendingBatch, 'awaited'>, partition: number, outcome: BatchOutcome): PackedError | undefined {
  const failed = awaited?.tell((place) => {
    if (outcome.error !== undefined) return { partition, error: errorOf(outcome, place) }
    return { partition, offset: outcome.baseOffset < 0 ? -1 : outcome.baseOffset + place }
  })
  if (failed === undefined) return undefined
  return new PackedError(`onDelivered threw, which it must not: ${String(failed.thrown)}. This writer is over.`, {
    kind: 'fatal',
    cause: failed.thrown,
  })
}

/** A record that the broker found wrong is told so; the others failed with it. */
function errorOf({ error, refused = [] }: BatchFailure, place: number): PackedError {
  const { message } = refused.find(({ index }) => index === place) ?? { message: null }
  if (message === null) return error
  return new PackedError(`${error.message} Of this record: ${message}`, { kind: error.kind, code: error.code, cause: error })
}
