import { answered } from './answered.ts'
import type { Callback } from './raw-api.ts'
import { within } from './within.ts'

/** Calls the library and settles in any case: see {@link within}. */
export function promised<T = unknown>(what: string, timeoutMs: number, call: (callback: Callback<T>) => void): Promise<T> {
  return within(what, timeoutMs, answered(call))
}
