import type { BatchPolicy } from '@millrace/core'

/** As it is told: JSON has no Infinity, and 0 is a time. null: the strategy has none. */
export function batchTimeoutOf({ timeoutMs }: BatchPolicy): number | null {
  return timeoutMs === Infinity ? null : timeoutMs
}
