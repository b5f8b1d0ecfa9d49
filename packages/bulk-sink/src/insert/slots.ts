/** What decides who may begin. */
export interface Slots {
  /** How many inserts may be under way at once. */
  readonly most: number
  /** Priorities of those that are. */
  readonly running: readonly number[]
  /** All that rows may have. */
  readonly priorities: ReadonlySet<number>
}

/**
 * Whether an insert of this priority may begin. One slot is kept for each higher priority (a lower number) that there is, though never the last: whatever
 * hangs, what is more urgent gets its turn.
 */
export function mayBegin(priority: number, { most, running, priorities }: Slots): boolean {
  return [...priorities].every((one) => {
    if (one > priority) return true
    const higher = [...priorities].filter((other) => other < one).length
    return running.filter((other) => other >= one).length < most - Math.min(higher, most - 1)
  })
}
