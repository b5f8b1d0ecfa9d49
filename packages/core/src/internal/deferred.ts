/** A promise with its two ends (`Promise.withResolvers`, which Node 20 has not got). */
export interface Deferred<T> {
  readonly promise: Promise<T>
  /** Settles the promise; what comes after the first settling does nothing. */
  readonly resolve: (value: T) => void
  /** Likewise. */
  readonly reject: (reason: unknown) => void
}

/** A promise that is settled from outside. */
export function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined
  let reject: (reason: unknown) => void = () => undefined
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}
