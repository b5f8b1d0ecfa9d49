import type { ResolvedTable } from '../config/table-options.ts'
import type { SinkTransaction } from '../driver/driver.ts'
import { InsertFailed } from '../driver/insert-failed.ts'
import type { Entry } from '../insert/entry.ts'
import type { Inserter, RejectedEntry } from '../insert/inserter.ts'
import type { SinkMetrics } from '../metrics/sink-metrics.ts'
import type { TakenRows } from './taken-rows.ts'

/** What rows are inserted by, within a transaction. */
export interface InsertingTaken {
  readonly transaction: SinkTransaction
  readonly inserter: Inserter
  readonly table: (name: string) => ResolvedTable
  /** Whether a row is to be in this transaction. */
  readonly isGoing: (entry: Entry) => boolean
  readonly onRejected: (table: string, rejected: RejectedEntry) => Promise<void>
  readonly metrics: SinkMetrics
}

/** Rows of one table. */
interface Piece {
  readonly taken: TakenRows
  readonly entries: readonly Entry[]
}

/** Inserts rows table by table. Those that refer to rows which are not there yet are tried again after all others, as long as that helps. */
export async function insertTaken(all: readonly TakenRows[], inserting: InsertingTaken): Promise<void> {
  let pieces = all.flatMap((taken) => piecesOf(taken, inserting))
  for (let last = false; pieces.length > 0;) {
    const postponed: Piece[] = []
    for (const piece of pieces) if (!(await insertPiece(piece, inserting, !last))) postponed.push(piece)
    last = postponed.length === pieces.length
    pieces = postponed
  }
}

function piecesOf(taken: TakenRows, { table, isGoing }: InsertingTaken): Piece[] {
  const left = taken.entries.filter((entry) => isGoing(entry) && !taken.refused.has(entry))
  const { batchSize } = table(taken.table)
  const pieces: Piece[] = []
  for (let from = 0; from < left.length; from += batchSize) pieces.push({ taken, entries: left.slice(from, from + batchSize) })
  return pieces
}

/** Resolves to false if it is to be tried again later. */
async function insertPiece({ taken, entries }: Piece, inserting: InsertingTaken, mayWait: boolean): Promise<boolean> {
  const { transaction, inserter, table, onRejected, metrics } = inserting
  const name = taken.table
  const rejected = async (one: RejectedEntry) => {
    await onRejected(name, one)
    // Its dead letter is written: if the transaction fails it is not written again.
    taken.refused.add(one.entry)
    metrics.rejected++
  }
  const insert = transaction.insert.bind(transaction)
  const how = { name, table: table(name), token: '', size: entries.length, fixed: false, mayCome: () => mayWait, insert }
  try {
    await inserter.run(how, entries, { stored: async () => undefined, rejected })
    return true
  } catch (error) {
    if (mayWait && error instanceof InsertFailed && error.blame === 'reference') return false
    throw error
  }
}
