import { ClientError } from '../client/client-error.ts'

/** Past the library's own time limit, which says more about what happened. */
const GRACE_MS = 2_000
/** A timer that fires so much too late was held up, and answers may have been as well. */
const LATE_MS = 500

/**
 * Settles in any case: as `answer` does, or some time after `timeoutMs`, the library's own limit for the call, when the library does not keep to it.
 * That is another error than what a broker or the library says when time is up: the call may be under way still, and what it brings is lost.
 */
export function within<T>(what: string, timeoutMs: number, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout
    const wait = (ms: number) => {
      const due = performance.now() + ms
      timer = setTimeout(() => {
        // When a process goes on that stood still, its timers come before the answers that have long been there.
        if (performance.now() - due > LATE_MS) wait(GRACE_MS)
        else reject(new ClientError(`no answer within ${timeoutMs} ms to: ${what}`, { kind: 'no-answer', code: 0 }))
      }, ms)
    }
    wait(timeoutMs + GRACE_MS)
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
