import type { BatchOutcome, RecordFailure } from './batch-outcome.ts'

/** What somebody may have meant by it who says nothing of `failed`. */
const MISNAMED = ['fail', 'fails', 'failures', 'failedRecords', 'errors']

/**
 * The records that a batch processor says have failed, in the order of the batch, each once. Throws a `TypeError` for an outcome that is none or
 * names a record that is not there.
 */
export function failuresIn(outcome: BatchOutcome, length: number): readonly RecordFailure[] {
  const failed: unknown = (outcome as Partial<BatchOutcome> | null)?.failed
  if (failed === undefined) {
    const misnamed = typeof outcome === 'object' && outcome !== null && MISNAMED.find((name) => Object.hasOwn(outcome, name))
    if (typeof misnamed === 'string')
      throw new TypeError(`its outcome says ${misnamed}; use failed: return { failed: [{ index, error }] }, or nothing.`)
    // What a processor in JavaScript returns by chance is none of ours.
    return []
  }
  if (!Array.isArray(failed)) throw new TypeError('its outcome says failed, but not as a list of { index, error }.')
  const errors = new Map<number, RecordFailure>()
  for (const failure of failed as readonly (Partial<RecordFailure> | null)[]) {
    const index = failure?.index
    if (index === undefined || !Number.isInteger(index) || index < 0 || index >= length) {
      throw new TypeError(
        `its outcome says that record ${String(index)} of the batch has failed; use an index, a whole number from 0 to ${length - 1}.`,
      )
    }
    if (!errors.has(index)) errors.set(index, failure as RecordFailure)
  }
  return [...errors.values()].sort((a, b) => a.index - b.index)
}
