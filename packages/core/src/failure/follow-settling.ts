import type { ResolvedFailureOptions } from './failure-options.ts'
import { isRetryable } from './is-retryable.ts'
import type { PartResult } from './settling-step.ts'
import { settling } from './settling.ts'

/** The batch that is settled. */
export interface SettledBatch {
  /** Its records, or items. */
  readonly count: number
  readonly failure: ResolvedFailureOptions
  /** How often it is tried again. */
  readonly maxRetries: number
  /** What was thrown, of an error that says where; it decides whether a retry may help. Default: the error itself. */
  readonly thrownBy?: ((error: unknown) => unknown) | undefined
}

/** What the steps of a settling are done by. */
export interface SettlingActions {
  /** Processes some rows; `keep`: what succeeds is kept, whatever becomes of the others. */
  readonly run: (rows: readonly number[], keep: boolean) => Promise<PartResult>
  /** Waits for retry `retry` after `error`; rejects if there is not to be one. */
  readonly wait: (retry: number, error: unknown) => Promise<void>
  /** A record's retries are spent; rejects to stop. */
  readonly giveUp: (row: number, error: unknown, attempts: number) => Promise<void>
  /** The first `rows` records are done. */
  readonly commitPrefix: (rows: number) => void
}

/**
 * Settles a batch that has failed as a whole, with `first`: does one step after the other. Resolves to how many of its records were part of an attempt
 * that failed, whatever became of them.
 */
export async function followSettling(
  { count, failure, maxRetries, thrownBy = (error) => error }: SettledBatch,
  first: PartResult,
  actions: SettlingActions,
): Promise<number> {
  const steps = settling(count, {
    acknowledgement: failure.acknowledgement,
    maxRetries,
    isRetryable: (error) => isRetryable(thrownBy(error), failure.retry.nonRetryable),
  })
  // The first step is the whole of it.
  steps.next()
  const all = Array.from({ length: count }, (_, row) => row)
  const failed = new Set(undoneOf(first, all))
  let last = first
  for (let step = steps.next(first); step.done !== true;) {
    const { value } = step
    if (value.do === 'run') {
      last = await actions.run(value.rows, value.keep)
      for (const row of undoneOf(last, value.rows)) failed.add(row)
      step = steps.next(last)
      continue
    }
    if (value.do === 'wait') await actions.wait(value.retry, errorOf(last))
    else if (value.do === 'give-up') await actions.giveUp(value.row, value.error, value.attempts)
    else actions.commitPrefix(value.rows)
    step = steps.next()
  }
  return failed.size
}

/** The records of a part that are not done: all if it failed, unless what succeeded was kept. */
function undoneOf(result: PartResult, rows: readonly number[]): readonly number[] {
  if (result.ok) return []
  return 'failed' in result && result.kept ? result.failed.map(({ row }) => row) : rows
}

function errorOf(result: PartResult): unknown {
  if (result.ok) return undefined
  return 'failed' in result ? result.failed[0]?.error : result.error
}
