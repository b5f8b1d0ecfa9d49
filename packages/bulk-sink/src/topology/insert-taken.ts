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
  /** Transactions in a row that failed for rows that are not there. */
  readonly referring: { tries: number }
}

/** Rows of one table. */
interface Piece {
  readonly taken: TakenRows
  readonly entries: readonly Entry[]
}

/**
 * What becomes of a piece with a row that refers to one which is not there: it is tried again whole, after all others; it is taken apart, and only such rows
 * are tried again; or these are given up.
 */
type Pass = 'whole' | 'apart' | 'last'

/**
 * Inserts rows table by table. Those that refer to rows which are not there yet are tried again after all others, as long as that helps; then in another
 * transaction, with what has come meanwhile, as often as their table says; then by themselves, as long as that helps.
 */
export async function insertTaken(all: readonly TakenRows[], inserting: InsertingTaken): Promise<void> {
  let pieces = all.flatMap((taken) => piecesOf(taken, inserting))
  for (let pass: Pass = 'whole'; pieces.length > 0;) {
    const postponed: Piece[] = []
    for (const piece of pieces) {
      const left = await insertPiece(piece, inserting, pass)
      if (left !== undefined) postponed.push(left)
    }
    if (rowsOf(postponed) === rowsOf(pieces)) pass = pass === 'whole' ? 'apart' : 'last'
    pieces = postponed
  }
  inserting.referring.tries = 0
}

function rowsOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { entries }) => sum + entries.length, 0)
}

function piecesOf(taken: TakenRows, { table, isGoing }: InsertingTaken): Piece[] {
  const left = taken.entries.filter((entry) => isGoing(entry) && !taken.refused.has(entry))
  const { batchSize } = table(taken.table)
  const pieces: Piece[] = []
  for (let from = 0; from < left.length; from += batchSize) pieces.push({ taken, entries: left.slice(from, from + batchSize) })
  return pieces
}

/** Resolves to what of it is to be tried again later in this transaction. */
async function insertPiece({ taken, entries }: Piece, inserting: InsertingTaken, pass: Pass): Promise<Piece | undefined> {
  const { transaction, inserter, table, onRejected, metrics, referring } = inserting
  const name = taken.table
  const stored = new Set<Entry>()
  const rejected = async (one: RejectedEntry) => {
    await onRejected(name, one)
    // Its dead letter is written: if the transaction fails it is not written again.
    taken.refused.add(one.entry)
    metrics.rejected++
  }
  const options = table(name)
  const insert = transaction.insert.bind(transaction)
  const mayCome = () => pass === 'whole' || referring.tries < options.retries
  const mayBeFreed = () => pass === 'apart'
  const how = { name, table: options, token: '', size: entries.length, fixed: false, mayCome, mayBeFreed, insert }
  const outcome = { stored: async (part: readonly Entry[]) => part.forEach((entry) => stored.add(entry)), rejected }
  try {
    await inserter.run(how, entries, outcome)
    return undefined
  } catch (error) {
    if (!(error instanceof InsertFailed && error.blame === 'reference')) throw error
    // What went in before the failure is in this transaction already.
    if (pass === 'whole' || !mayCome())
      return { taken, entries: entries.filter((entry) => !stored.has(entry) && !taken.refused.has(entry)) }
    referring.tries++
    throw error
  }
}
