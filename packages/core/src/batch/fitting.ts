import type { CutLimits } from './batch-policy.ts'
import { RECORD_MEMORY_BYTES } from './memory-budget.ts'

/** Records or items that wait, in order. */
export interface Waiting {
  readonly length: number
  /** How many, of `limit` behind the first `skip`, have no more than `maxBytes` together, with `eachBytes` more for each; at least one. */
  countWithin(maxBytes: number, limit: number, eachBytes?: number, skip?: number): number
}

/** How many of what waits behind the first `skip` the next batch may have. */
export interface Fitting {
  /** By their serialised bytes. */
  readonly recordsWithinBytes: number
  /** By the memory they take. */
  readonly recordsWithinMemory: number
}

/** How many of what waits behind the first `skip` a batch of these limits may have. */
export function fitting(waiting: Waiting, { size, maxBytes, maxMemoryBytes }: CutLimits, skip = 0): Fitting {
  const most = Math.min(waiting.length - skip, size)
  return {
    recordsWithinBytes: waiting.countWithin(maxBytes, most, 0, skip),
    recordsWithinMemory: waiting.countWithin(maxMemoryBytes, most, RECORD_MEMORY_BYTES, skip),
  }
}

/** By both. */
export function fits({ recordsWithinBytes, recordsWithinMemory }: Fitting): number {
  return Math.min(recordsWithinBytes, recordsWithinMemory)
}
