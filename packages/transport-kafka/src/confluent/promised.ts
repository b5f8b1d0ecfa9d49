import { ClientError } from '../client/client-error.ts'
import type { Callback } from './raw-api.ts'
import { toClientError } from './to-client-error.ts'

/** Past the library's own time limit, which says more about what happened. */
const GRACE_MS = 2_000

/**
 * Calls the library and settles in any case: with its answer, or some time after `timeoutMs`, its own limit for the call, when the library
 * does not keep to it.
 */
export function promised<T = unknown>(what: string, timeoutMs: number, call: (callback: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new ClientError(`no answer within ${timeoutMs} ms to: ${what}`, { kind: 'timed-out', code: -185 }))
    }, timeoutMs + GRACE_MS)
    try {
      call((error, value) => {
        clearTimeout(timer)
        if (error == null) resolve(value)
        else reject(toClientError(error))
      })
    } catch (error) {
      clearTimeout(timer)
      reject(toClientError(error))
    }
  })
}
