import { InsertSizes } from '../insert/insert-sizes.ts'
import type { Lanes } from '../insert/lanes.ts'
import type { PartitionProgress } from '../insert/partition-progress.ts'
import type { TakenRows } from './taken-rows.ts'

/** All tables of a transaction are one to it. */
const ALL = ''

/** About how many rows go into one transaction: fewer after one that took too long, and as many as the tables whose size adapts have come to. */
export class TransactionSizes {
  readonly #lanes: Lanes
  readonly #sizes = new InsertSizes()

  constructor(lanes: Lanes) {
    this.#lanes = lanes
  }

  of(taken: readonly TakenRows[]): number {
    let adapted = 0
    for (const { table, entries } of taken) adapted += Math.min(entries.length, this.#lanes.adaptedSize(table))
    return Math.max(1, Math.min(this.#sizes.of(ALL), adapted))
  }

  /** A transaction with these was too much. */
  tooMany(taken: readonly TakenRows[]): void {
    const rows = countOf(taken)
    if (rows > 0) this.#sizes.tooMany(ALL, Math.min(rows, this.of(taken)))
  }

  /** One with these is committed, up to those offsets. */
  wentWell(taken: readonly TakenRows[], cuts: ReadonlyMap<PartitionProgress, number>, durationMs: number): void {
    this.#sizes.wentWell(ALL)
    for (const { table, entries } of taken) {
      const records = entries.filter(({ part, offset }) => part !== undefined && offset < (cuts.get(part) ?? Infinity)).length
      if (records > 0) this.#lanes.finishedTable(table, { records, durationMs, failed: 0, waiting: entries.length - records })
    }
  }
}

function countOf(taken: readonly TakenRows[]): number {
  return taken.reduce((sum, { entries }) => sum + entries.length, 0)
}
