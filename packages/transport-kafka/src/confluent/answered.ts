import type { Callback } from './raw-api.ts'
import { toClientError } from './to-client-error.ts'

/** Calls the library, and settles with its answer: never without one, however long it takes. */
export function answered<T = unknown>(call: (callback: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    try {
      call((error, value) => {
        if (error == null) resolve(value)
        else reject(toClientError(error))
      })
    } catch (error) {
      reject(toClientError(error))
    }
  })
}
