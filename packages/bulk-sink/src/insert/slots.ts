/** What decides who may begin. */
export interface Slots {
  /** How many inserts may be under way at once. */
  readonly most: number
  /** Priorities of those that are. */
  readonly running: readonly number[]
  /** Those of tables, and of rows that came lately. */
  readonly priorities: ReadonlySet<number>
}

/**
 * Whether an insert of this priority may begin. The last slot is left alone by all but the highest priority there is (the lowest number), and what is more
 * urgent than all that is under way: one that hangs keeps nobody waiting who is more urgent, and no slot is kept for each who might come.
 */
export function mayBegin(priority: number, { most, running, priorities }: Slots): boolean {
  if (running.length < most - 1) return true
  if (running.length >= most) return false
  return running.every((other) => other > priority) || [...priorities].every((other) => other >= priority)
}
