import type { BatchPolicy } from './batch-policy.ts'
import type { BatchTrigger } from './batch-trigger.ts'

/** What waits for a batch to be cut; at least one record. */
export interface WaitingRecords {
  readonly records: number
  /** Of the first `policy.size` records, how many have no more than `policy.maxBytes` together; at least 1. */
  readonly recordsWithinBytes: number
  /** When the **first** waiting record arrived, in milliseconds since the epoch. */
  readonly firstArrivedAt: number
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Set when nothing more will come: what is there is cut without waiting. */
  readonly finishing: 'drain' | 'revoke' | undefined
}

/** Cut now, of the first `take` records; or wait `waitMs` milliseconds for more, then ask again. */
export type CutDecision =
  | { readonly cut: true; readonly take: number; readonly trigger: BatchTrigger }
  | { readonly cut: false; readonly waitMs: number }

/**
 * Whether to cut a batch now, of how many records, and why; or how long its first record may still wait. Pure. The age counts from the first
 * record: later ones don't prolong it.
 */
export function decideCut(policy: BatchPolicy, waiting: WaitingRecords): CutDecision {
  const limit = Math.min(waiting.records, policy.size)
  if (waiting.recordsWithinBytes < limit) return { cut: true, take: waiting.recordsWithinBytes, trigger: 'bytes' }
  if (limit === policy.size) return { cut: true, take: limit, trigger: 'records' }
  if (waiting.finishing !== undefined) return { cut: true, take: limit, trigger: waiting.finishing }
  if (policy.timeoutMs <= 0) return { cut: true, take: limit, trigger: 'demand' }
  // A clock that was set back must not make a batch wait longer than its timeout.
  const age = Math.max(0, waiting.now - waiting.firstArrivedAt)
  if (age >= policy.timeoutMs) return { cut: true, take: limit, trigger: 'age' }
  return { cut: false, waitMs: policy.timeoutMs - age }
}
