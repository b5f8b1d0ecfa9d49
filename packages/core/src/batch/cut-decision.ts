import type { CutLimits } from './batch-policy.ts'
import type { BatchTrigger } from './batch-trigger.ts'

/** What waits for a batch to be cut; at least one record. */
export interface WaitingRecords {
  readonly records: number
  /** Serialised bytes of all of them. Default: unknown, so that only a record that no longer fits shows that `maxBytes` is reached. */
  readonly bytes?: number | undefined
  /** Estimated memory of all of them. Default: unknown, likewise. */
  readonly memoryBytes?: number | undefined
  /** Of the first `size` records, how many have no more than `maxBytes` together; at least 1. */
  readonly recordsWithinBytes: number
  /** Of the first `size` records, how many take no more than `maxMemoryBytes` together; at least 1. Default: all of them. */
  readonly recordsWithinMemory?: number | undefined
  /** When the **first** waiting record arrived, in milliseconds since the epoch. */
  readonly firstArrivedAt: number
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Set when nothing more will come: what is there is cut without waiting. */
  readonly finishing: 'drain' | 'revoke' | undefined
  /** The memory that is shared with others is spent, or nothing more can be read before something is processed. Default: false. */
  readonly memorySpent?: boolean | undefined
  /** The processor has nothing to do. Default: true. */
  readonly processorFree?: boolean | undefined
}

/** Cut now, of the first `take` records; or wait `waitMs` milliseconds for more (Infinity: until more arrives), then ask again. */
export type CutDecision =
  | { readonly cut: true; readonly take: number; readonly trigger: BatchTrigger }
  | { readonly cut: false; readonly waitMs: number }

/**
 * Whether to cut a batch now, of how many records, and why; or how long its first record may still wait. Pure. The age counts from the first
 * record: later ones don't prolong it.
 */
export function decideCut(limits: CutLimits, waiting: WaitingRecords): CutDecision {
  const most = Math.min(waiting.records, limits.size)
  const { recordsWithinBytes, recordsWithinMemory = most, bytes = 0, memoryBytes = 0 } = waiting
  const take = Math.min(most, recordsWithinBytes, recordsWithinMemory)
  if (take < most) return { cut: true, take, trigger: recordsWithinBytes <= recordsWithinMemory ? 'bytes' : 'memory' }
  if (take === limits.size) return { cut: true, take, trigger: 'records' }
  if (bytes >= limits.maxBytes) return { cut: true, take, trigger: 'bytes' }
  if (memoryBytes >= limits.maxMemoryBytes) return { cut: true, take, trigger: 'memory' }
  if (waiting.finishing !== undefined) return { cut: true, take, trigger: waiting.finishing }
  if (waiting.memorySpent === true) return { cut: true, take, trigger: 'memory' }
  if (limits.timeoutMs <= 0 || (!limits.waitWhenIdle && waiting.processorFree !== false)) return { cut: true, take, trigger: 'demand' }
  // A clock that was set back must not make a batch wait longer than its timeout.
  const age = Math.max(0, waiting.now - waiting.firstArrivedAt)
  if (age >= limits.timeoutMs) return { cut: true, take, trigger: 'age' }
  return { cut: false, waitMs: limits.timeoutMs - age }
}
