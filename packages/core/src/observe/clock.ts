/** Time, injected so that no test sleeps. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Monotonic milliseconds, for durations. */
  monotonic(): number
  /** Calls `callback` once, `delayMs` from now; returns how to cancel it. */
  after(delayMs: number, callback: () => void): () => void
}
