import type { ResolvedRetryOptions } from './failure-options.ts'

/** Milliseconds to wait before retry `retry`, from 1. `random` is from 0 up to, not including, 1: a share of the jitter is taken off. */
export function retryDelay(retry: number, options: ResolvedRetryOptions, random: number): number {
  const { initialDelayMs, maxDelayMs, factor, jitter } = options
  // Of many retries the power is infinite, and times zero it is no number.
  const delay = initialDelayMs === 0 ? 0 : Math.min(maxDelayMs, initialDelayMs * factor ** (retry - 1))
  return Math.round(delay * (1 - jitter * random))
}
