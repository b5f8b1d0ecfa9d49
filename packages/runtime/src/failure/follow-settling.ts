import type { PartResult, Settling } from '@millrace/core'

/** What the steps of a settling are done by. */
export interface SettlingActions {
  readonly run: (rows: readonly number[], keep: boolean) => Promise<PartResult>
  /** Waits for retry `retry` after `error`; rejects if there is not to be one. */
  readonly wait: (retry: number, error: unknown) => Promise<void>
  readonly giveUp: (row: number, error: unknown, attempts: number) => Promise<void>
  /** The first `rows` records are done. */
  readonly commitPrefix: (rows: number) => void
}

/** Settles a batch whose first step, the whole of it, has ended with `first`: does one step after the other. */
export async function followSettling(steps: Settling, first: PartResult, actions: SettlingActions): Promise<void> {
  steps.next()
  let last = first
  for (let step = steps.next(first); step.done !== true;) {
    const { value } = step
    if (value.do === 'run') {
      last = await actions.run(value.rows, value.keep)
      step = steps.next(last)
      continue
    }
    if (value.do === 'wait') await actions.wait(value.retry, errorOf(last))
    else if (value.do === 'give-up') await actions.giveUp(value.row, value.error, value.attempts)
    else actions.commitPrefix(value.rows)
    step = steps.next()
  }
}

function errorOf(result: PartResult): unknown {
  if (result.ok) return undefined
  return 'failed' in result ? result.failed[0]?.error : result.error
}
