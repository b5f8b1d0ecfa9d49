import type { Clock } from '@millrace/core'

export interface SignalLimit {
  readonly clock: Clock
  readonly limitMs: number
  /** What it is aborted with when that is over. */
  readonly late: () => Error
}

/** A signal that is aborted after a time, or with one that lives for long: `AbortSignal.any` would leave something on that one each time. `end` lets go of both. */
export function limitedSignal(
  long: AbortSignal,
  { clock, limitMs, late }: SignalLimit,
): { readonly signal: AbortSignal; readonly end: () => void } {
  const own = new AbortController()
  const follow = () => own.abort(long.reason)
  const cancel = clock.after(limitMs, () => own.abort(late()))
  long.addEventListener('abort', follow, { once: true })
  if (long.aborted) follow()
  const end = () => {
    cancel()
    long.removeEventListener('abort', follow)
  }
  return { signal: own.signal, end }
}
