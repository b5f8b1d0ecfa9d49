/** After so many milliseconds of waiting a batch is as urgent as one of the next higher priority: so that the lowest is not starved. */
const AGING_MS = 1_000

/** The lower, the sooner: the priority, less what it has waited since it was ready. */
export function urgency(priority: number, waitedMs: number): number {
  return priority - waitedMs / AGING_MS
}
