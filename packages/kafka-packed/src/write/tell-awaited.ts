import { PackedError } from '../errors/packed-error.ts'
import type { PendingBatch } from './pending-batch.ts'
import type { BatchFailure, BatchOutcome } from './sender.ts'

/** Tells who waits for records of a batch what became of each. Returns what is to be said of those who threw; everybody is told all the same. */
export function tellAwaited({ awaited = [] }: PendingBatch, partition: number, outcome: BatchOutcome): PackedError | undefined {
  let thrown: PackedError | undefined
  for (const [place, one] of awaited.entries()) {
    if (one === undefined) continue
    const { row, onDelivered } = one
    try {
      if (outcome.error !== undefined) onDelivered(row, { partition, error: errorOf(outcome, place) })
      else onDelivered(row, { partition, offset: outcome.baseOffset < 0 ? -1 : outcome.baseOffset + place })
    } catch (error) {
      thrown ??= new PackedError(`onDelivered threw, which it must not: ${String(error)}. This writer is over.`, {
        kind: 'fatal',
        cause: error,
      })
    }
  }
  return thrown
}

/** A record that the broker found wrong is told so; the others failed with it. */
function errorOf({ error, refused = [] }: BatchFailure, place: number): PackedError {
  const { message } = refused.find(({ index }) => index === place) ?? { message: null }
  if (message === null) return error
  return new PackedError(`${error.message} Of this record: ${message}`, { kind: error.kind, code: error.code, cause: error })
}
