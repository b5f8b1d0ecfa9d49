import type { Entry } from '../insert/entry.ts'
import type { Lane } from '../insert/lane.ts'

/** Rows of one table that are to be in the next transaction. */
export interface TakenRows {
  readonly table: string
  entries: Entry[]
  /** Those that were given up. */
  readonly refused: Set<Entry>
}

/** With all that waits in a lane. */
export function takeRows(taken: readonly TakenRows[], lane: Lane): TakenRows[] {
  if (lane.length === 0) return [...taken]
  const { entries } = lane.take(lane.length, 'demand')
  const same = taken.find(({ table }) => table === lane.table)
  if (same === undefined) return [...taken, { table: lane.table, entries, refused: new Set() }]
  same.entries = [...same.entries, ...entries]
  return [...taken]
}
