import type { Entry } from '../insert/entry.ts'
import type { Lane } from '../insert/lane.ts'
import type { PartitionProgress } from '../insert/partition-progress.ts'
import type { StoredPart } from './stored-parts.ts'

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

/** Those of partitions that are ours: of others no transaction stores anything, so that they must not ask for one, nor take the room of those that it stores. */
export function onlyOf(taken: readonly TakenRows[], parts: Iterable<StoredPart>): readonly TakenRows[] {
  const ours = new Set([...parts].flatMap(({ part, claim }) => (claim === 'ours' ? [part] : [])))
  const isOurs = ({ part }: Entry) => part !== undefined && ours.has(part)
  return taken.map((one) => (one.entries.every(isOurs) ? one : { ...one, entries: one.entries.filter(isOurs) }))
}

/**
 * Offsets from which on rows are left for a later transaction, so that this one has about `limit` of them: all rows of a record are in the same. Nothing for
 * partitions of which none are left.
 */
export function cutsFor(taken: readonly TakenRows[], limit: number): ReadonlyMap<PartitionProgress, number> {
  const cuts = new Map<PartitionProgress, number>()
  if (taken.reduce((sum, { entries }) => sum + entries.length, 0) <= limit) return cuts
  const offsets = new Map<PartitionProgress, number[]>()
  for (const { entries } of taken) {
    for (const { part, offset } of entries) {
      if (part === undefined) continue
      const known = offsets.get(part)
      if (known === undefined) offsets.set(part, [offset])
      else known.push(offset)
    }
  }
  const share = Math.max(1, Math.floor(limit / offsets.size))
  for (const [part, all] of offsets) {
    all.sort((a, b) => a - b)
    const cut = all[share]
    if (cut !== undefined) cuts.set(part, Math.max(cut, (all[0] as number) + 1))
  }
  return cuts
}
