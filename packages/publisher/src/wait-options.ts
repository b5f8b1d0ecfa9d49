import { type Clock, describeValue, isObject, MillraceError, numberProblem } from '@millrace/core'

/** How long to wait for something that goes on by itself. */
export interface WaitOptions {
  /** When it is aborted, the wait rejects with its reason. Default: never. */
  readonly signal?: AbortSignal | undefined
  /** After so many milliseconds the wait rejects with a `MillraceError` of code `TIMED_OUT`. Default: without end. */
  readonly timeoutMs?: number | undefined
}

const MAX_TIMER_MS = 2_147_483_647

/** What `work` comes to, unless the wait for it ends before; `work` goes on then. `name`: of the method that waits. */
export async function waitedFor(
  work: Promise<void>,
  options: WaitOptions,
  { clock, name }: { readonly clock: Clock; readonly name: string },
): Promise<void> {
  work.catch(() => undefined)
  checkWait(name, options)
  const { signal, timeoutMs } = options
  let stop: () => void = () => undefined
  const ended = new Promise<never>((_resolve, reject) => {
    const abort = () => reject(signal?.reason as Error)
    const cancel = timeoutMs === undefined ? undefined : clock.after(timeoutMs, () => reject(timedOut(name, timeoutMs)))
    signal?.addEventListener('abort', abort, { once: true })
    if (signal?.aborted === true) abort()
    stop = () => {
      cancel?.()
      signal?.removeEventListener('abort', abort)
    }
  })
  try {
    await Promise.race([work, ended])
  } finally {
    stop()
  }
}

function checkWait(name: string, options: WaitOptions): void {
  if (!isObject(options)) throw new TypeError(`${name} was given ${describeValue(options)}; use { signal, timeoutMs }.`)
  const { signal, timeoutMs } = options
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new TypeError(`signal of ${name} is ${describeValue(signal)}; use an AbortSignal.`)
  const problem = timeoutMs === undefined ? undefined : numberProblem(`timeoutMs of ${name}`, timeoutMs, { min: 0, max: MAX_TIMER_MS })
  if (problem !== undefined) throw new TypeError(problem)
}

function timedOut(name: string, timeoutMs: number): MillraceError {
  const message = `${name} has not come to an end within ${timeoutMs} ms. What it waits for goes on: call it again to wait for the rest, or close the publisher.`
  return new MillraceError('TIMED_OUT', message, { stage: 'sink', retryable: true })
}
