import type { Acknowledgement } from './failure-options.ts'
import { RetryCounts, type RetryLimits } from './retry-counts.ts'
import { namedIn, retryBatch, retryNamed, run, search } from './settling-moves.ts'
import type { FailedRow, Settling } from './settling-step.ts'

/** What decides how a batch is settled. */
export interface SettlingOptions extends RetryLimits {
  readonly acknowledgement: Acknowledgement
}

/**
 * What to do with a batch of `count` records until each of them is done or given up: a generator that yields steps and is told how each `run` went,
 * the first of which is the whole batch. When it returns, all of the batch may be committed.
 *
 * A record is given up only if it was named, or failed alone, and its retries are spent or can't help. `maxRetries` holds for each record that is
 * named, and once for the batch for failures that name nobody; then the batch is halved ({@link search}). For every sequence of results it ends.
 */
export function settling(count: number, options: SettlingOptions): Settling {
  const retries = new RetryCounts(options)
  switch (options.acknowledgement) {
    case 'all-or-nothing':
      return allOrNothing(count, retries)
    case 'best-effort':
      return bestEffort(count, retries)
    case 'last-successful':
      return lastSuccessful(count, retries)
  }
}

/** Runs the whole again, without those that were given up, until it succeeds as a whole. */
function* allOrNothing(count: number, retries: RetryCounts): Settling {
  let rows = range(0, count)
  while (rows.length > 0) {
    const result = yield* run(rows, false)
    if (result.ok) return
    const failures = namedIn(result, rows)
    if (failures.length === 0) {
      if (yield* retryBatch(result, retries)) continue
      yield* search(rows, false, retries)
      return
    }
    const again = new Set(yield* retryNamed(failures, retries))
    rows = without(
      rows,
      failures.filter(({ row }) => !again.has(row)),
    )
  }
}

/** Rows to be processed, or records that failed. */
type Work = { readonly rows: readonly number[] } | { readonly failures: readonly FailedRow[] }

/** Keeps what succeeds, and goes on with what is left of the part before it goes on to the next. */
function* bestEffort(count: number, retries: RetryCounts): Settling {
  const stack: Work[] = [{ rows: range(0, count) }]
  for (let work = stack.pop(); work !== undefined; work = stack.pop()) {
    if ('failures' in work) {
      stack.push({ rows: yield* retryNamed(work.failures, retries) })
      continue
    }
    const { rows } = work
    if (rows.length === 0) continue
    const result = yield* run(rows, true)
    if (result.ok) continue
    const failures = namedIn(result, rows)
    if (failures.length === 0) {
      stack.push((yield* retryBatch(result, retries)) ? work : { failures: yield* search(rows, true, retries) })
    } else if ('at' in result) {
      const at = rows.indexOf(result.at)
      stack.push({ rows: rows.slice(at + 1) }, { failures }, { rows: rows.slice(0, at) })
    } else {
      stack.push({ failures })
      if (!('failed' in result && result.kept)) stack.push({ rows: without(rows, failures) })
    }
  }
}

/** Settles and commits what comes before the first failure; the failed record is the first of what is run next. */
function* lastSuccessful(count: number, retries: RetryCounts): Settling {
  let [from, to, committed] = [0, count, 0]
  let failure: FailedRow | undefined
  while (from < count) {
    const rows = range(from, to)
    const result = yield* run(rows, false)
    const [first] = result.ok ? [] : namedIn(result, rows)
    if (first !== undefined) {
      failure = first
      // What comes before it is processed by itself: of the failed attempt nothing may stay.
      to = first.row
      if (to > from) continue
    } else if (!result.ok) {
      if (from > committed) yield { do: 'commit-prefix', rows: (committed = from) }
      if (yield* retryBatch(result, retries)) continue
      yield* search(rows, false, retries)
    }
    from = to
    if (failure === undefined) continue
    if (from > committed) yield { do: 'commit-prefix', rows: (committed = from) }
    const again = yield* retryNamed([failure], retries)
    if (again.length === 0) from++
    failure = undefined
    to = count
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}

function without(rows: readonly number[], failures: readonly FailedRow[]): number[] {
  const gone = new Set(failures.map(({ row }) => row))
  return rows.filter((row) => !gone.has(row))
}
