import { halving } from '../batch/halving.ts'
import type { RetryCounts } from './retry-counts.ts'
import type { FailedRow, PartResult, Settling } from './settling-step.ts'

/** A part that did not go well. */
export type FailedPart = Extract<PartResult, { readonly ok: false }>

/** Processes rows as one part. */
export function* run(rows: readonly number[], keep: boolean): Settling<PartResult> {
  const result = yield { do: 'run', rows, keep }
  if (result === undefined) throw new TypeError("A 'run' was answered with nothing; answer with how the part went.")
  if (!result.ok && 'failed' in result && result.kept && !keep)
    throw new TypeError("A part was kept that had to be rolled back: 'keep' was false.")
  return result
}

/** The records of a part that failed, ascending; none if nobody was named. A record that stood alone needs no naming. */
export function namedIn(result: FailedPart, rows: readonly number[]): FailedRow[] {
  if ('at' in result) return checked([{ row: result.at, error: result.error }], rows)
  if ('failed' in result) return checked(result.failed, rows)
  return rows.length === 1 ? [{ row: rows[0] as number, error: result.error }] : []
}

function checked(failures: readonly FailedRow[], rows: readonly number[]): FailedRow[] {
  if (failures.length === 0) throw new TypeError('A part failed with an outcome that names no record; that is a success.')
  const part = new Set(rows)
  const byRow = new Map<number, FailedRow>()
  for (const failure of failures) {
    if (!part.has(failure.row)) throw new RangeError(`Record ${failure.row} was named, which is not one of the part's ${rows.length}.`)
    if (!byRow.has(failure.row)) byRow.set(failure.row, failure)
  }
  return [...byRow.values()].sort((a, b) => a.row - b.row)
}

/** Gives up the records whose retries are spent and waits for the others, once for all of them: returns these, ascending. */
export function* retryNamed(failures: readonly FailedRow[], retries: RetryCounts): Settling<number[]> {
  const again: number[] = []
  let longest = 0
  for (const failure of failures) {
    const retry = retries.ofRecord(failure)
    if (retry === undefined) yield giveUp(failure, retries)
    else {
      again.push(failure.row)
      longest = Math.max(longest, retry)
    }
  }
  if (longest > 0) yield { do: 'wait', retry: longest }
  return again
}

/** Waits for a retry of the batch; false if none is left. */
export function* retryBatch(result: FailedPart, retries: RetryCounts): Settling<boolean> {
  const retry = retries.ofBatch('error' in result ? result.error : undefined)
  if (retry === undefined) return false
  yield { do: 'wait', retry }
  return true
}

/**
 * Halves a part that failed without naming anybody, until each of its records was processed or has failed alone, and is given up. Nothing is retried.
 * With `keep`, records that an outcome names on the way are returned instead: those that came with them are done.
 */
export function* search(rows: readonly number[], keep: boolean, retries: RetryCounts): Settling<FailedRow[]> {
  const named: FailedRow[] = []
  const parts = halving(rows.length)
  for (let next = parts.next(); next.done !== true;) {
    const part = rows.slice(next.value.from, next.value.to)
    const result = yield* run(part, keep)
    let failed = false
    if (!result.ok) {
      const failures = namedIn(result, part)
      if (part.length === 1) yield giveUp(failures[0] as FailedRow, retries)
      failed = part.length === 1 || !('failed' in result && result.kept)
      if (!failed) named.push(...failures)
    }
    next = parts.next(failed)
  }
  return named
}

function giveUp({ row, error }: FailedRow, retries: RetryCounts) {
  return { do: 'give-up', row, error, attempts: retries.attempts(row) } as const
}
