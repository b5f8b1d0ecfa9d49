import type { Clock } from '@millrace/core'

export interface SignalLimit {
  readonly clock: Clock
  readonly limitMs: number
  /** What it is aborted with when that is over. */
  readonly late: () => Error
}

/** A signal that is aborted after a time, or with one of those that live longer: `AbortSignal.any` would leave something on these each time. `end` lets go of all. */
export function limitedSignal(
  others: readonly (AbortSignal | undefined)[],
  { clock, limitMs, late }: SignalLimit,
): { readonly signal: AbortSignal; readonly end: () => void } {
  const own = new AbortController()
  const follow = () => own.abort(others.find((other) => other?.aborted === true)?.reason)
  const cancel = clock.after(limitMs, () => own.abort(late()))
  for (const other of others) other?.addEventListener('abort', follow, { once: true })
  if (others.some((other) => other?.aborted === true)) follow()
  const end = () => {
    cancel()
    for (const other of others) other?.removeEventListener('abort', follow)
  }
  return { signal: own.signal, end }
}
