/** A promise with its two ends (`Promise.withResolvers`, which Node 20 has not got). */
export interface Deferred<T> {
  readonly promise: Promise<T>
  /** Settles the promise; what comes after the first settling does nothing. */
  readonly resolve: (value: T) => void
  /** Likewise. */
  readonly reject: (reason: unknown) => void
}

/** The ends of the promise that was made last. */
let resolveLast: (value: unknown) => void = () => undefined
let rejectLast: (reason: unknown) => void = () => undefined

/** One for all promises: a closure of each would be most of what such a promise takes. */
function takeEnds(resolve: (value: never) => void, reject: (reason: unknown) => void): void {
  resolveLast = resolve as (value: unknown) => void
  rejectLast = reject
}

/** A promise that is settled from outside. */
export function deferred<T>(): Deferred<T> {
  const promise = new Promise<T>(takeEnds)
  return { promise, resolve: resolveLast, reject: rejectLast }
}
