import type { RowBatch } from './entry.ts'
import type { Lane } from './lane.ts'

/** Where rows may be that others refer to. */
export interface RowsOnTheirWay {
  /** Batches that are not done. */
  readonly open: Iterable<RowBatch>
  readonly lanes: readonly Lane[]
  /** Whether a table is stored in order, and how often its batches are tried again. */
  readonly table: (name: string) => { readonly ordered: boolean; readonly retries: number }
}

/**
 * Whether rows are on their way, no younger than those of a batch, that these may refer to: of other tables, and what was cut before of its own. What waits in
 * vain itself is not, nor what waits behind it: two would wait for each other for ever.
 */
export function mayRowsCome(batch: RowBatch, { open, lanes, table }: RowsOnTheirWay): boolean {
  const last = lastAt(batch)
  const all = [...open]
  const vain = new Set(all.filter((other) => waitsInVain(other, table(other.lane.table).retries)))
  const blocked = new Set<unknown>([...vain].map(({ lane }) => lane))
  for (const other of all) {
    if (other === batch || vain.has(other) || isBehind(other, batch) || firstAt(other) > last) continue
    if (!(table(other.lane.table).ordered && blocked.has(other.lane))) return true
  }
  return lanes.some((lane) => lane !== batch.lane && !blocked.has(lane) && (lane.firstArrivedAt ?? Infinity) <= last)
}

/**
 * Whether a row that was refused by itself is kept for another try: rows that it may refer to are in batches that wait in vain, too, and were not taken apart
 * since something was stored that could help them; or they wait behind one that was cut before this one, and is given up sooner.
 */
export function mayRowsBeFreed(batch: RowBatch, { open, lanes, table }: RowsOnTheirWay): boolean {
  const last = lastAt(batch)
  const all = [...open]
  const isBlocked = (other: RowBatch) =>
    lanes.some((lane) => lane === other.lane && (lane.firstArrivedAt ?? Infinity) <= last) ||
    (table(other.lane.table).ordered && all.some((next) => isBehind(next, other) && firstAt(next) <= last))
  let isBefore = true
  for (const other of all) {
    if (other === batch) isBefore = false
    else if (isBehind(other, batch) || firstAt(other) > last || !waitsInVain(other, table(other.lane.table).retries)) continue
    else if (other.apartAt !== other.helped || (isBefore && other.lane !== batch.lane && isBlocked(other))) return true
  }
  return false
}

/** Rows are stored: batches that came no earlier may refer to them. */
export function tellStored(since: number, { open, own }: { readonly open: Iterable<RowBatch>; readonly own: RowBatch }): void {
  for (const batch of open) if (batch !== own && since <= lastAt(batch)) batch.helped++
}

/** Whether nothing was stored that could help since a try began which failed for rows that are not there. */
function waitsInVain({ tries, helped, vainAt }: RowBatch, retries: number): boolean {
  return vainAt === helped && tries >= retries
}

/** Whether it waits in the same lane, and came later. */
function isBehind(other: RowBatch, batch: RowBatch): boolean {
  return other.lane === batch.lane && other.from > batch.from
}

function firstAt({ entries }: RowBatch): number {
  return entries[0]?.at ?? Infinity
}

function lastAt({ entries }: RowBatch): number {
  return entries.at(-1)?.at ?? -Infinity
}
