import { type ErrorDetails, MillraceError } from '@millrace/core'
import { kafkaError } from './kafka-errors.ts'
import type { Callback } from './raw-client.ts'

export interface CallOptions extends Omit<ErrorDetails, 'cause' | 'retryable'> {
  /** Completes "Kafka could not ...". */
  readonly doing: string
  /** After this many milliseconds the call is given up, whatever the client does. */
  readonly timeoutMs: number
}

/** Turns a call with a callback into a promise that always settles. */
export function call<T>(options: CallOptions, start: (callback: Callback<T>) => void): Promise<T> {
  const { doing, timeoutMs, ...details } = options
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(
        new MillraceError('TIMED_OUT', `Kafka did not answer within ${timeoutMs} ms when asked to ${doing}.`, {
          ...details,
          retryable: true,
        }),
      )
    }, timeoutMs)
    const callback: Callback<T> = (error, value) => {
      clearTimeout(timer)
      if (error === null || error === undefined) resolve(value)
      else reject(kafkaError(doing, error, details))
    }
    try {
      start(callback)
    } catch (error) {
      clearTimeout(timer)
      reject(kafkaError(doing, error, details))
    }
  })
}
