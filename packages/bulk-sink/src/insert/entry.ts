import type { CommitUrgency } from '@millrace/core'
import type { Row } from '../driver/row.ts'
import type { PartitionProgress } from './partition-progress.ts'

/** A row that waits to be stored. */
export interface Entry {
  readonly row: Row
  /** Serialised, as estimated. */
  readonly bytes: number
  /** Where it comes from; undefined: no topic. */
  readonly part: PartitionProgress | undefined
  readonly slot: number
  /** When it was handed over, in milliseconds since 1970. */
  readonly at: number
  /** Of its record, as its timestamp; -1: it comes from none. */
  readonly offset: number
  readonly timestamp: number
  /** Its place in the batch that it was cut for, which it keeps whatever becomes of the others. */
  place: number
}

/** Rows of one table that are inserted together, until each is stored or given up. */
export interface RowBatch {
  readonly lane: { readonly table: string; readonly priority: number }
  entries: Entry[]
  readonly flushType: FlushType
  /** What tells its tries from those of others. */
  readonly token: string
  /** All its rows are stored by one insert or none, under its token: the server knows by that what it has. */
  readonly fixed: boolean
  /** Aborted when nobody wants any of its rows any more. */
  readonly abort: AbortController
  /** What became of its rows so far, of all tries. */
  readonly tally: RowTally
  /** When its lane had it ready, by the monotonic clock. */
  readonly readyAt: number
  /** How many of its lane's rows had been taken before it. */
  readonly from: number
  /** The driver was told of it before its turn. */
  isPrepared: boolean
  /** Tries that failed because of the server, so far. */
  tries: number
  /** Of these, tries that failed for a reason that nobody knows whose fault is. */
  doubts: number
  /** Its last try failed, for what is no row's fault. */
  isStuck: boolean
  /** How often rows were stored that its own may refer to. */
  helped: number
  /** What that was as its last try began, if this failed for rows that are not there; -1: it did not. */
  vainAt: number
  /** The same of its last try that took it apart, and kept rows for another; -1: there was none. */
  apartAt: number
  /** Not before this, by the monotonic clock. */
  notBefore: number
}

/** Counts of the rows of a batch. */
export interface RowTally {
  /** As it was cut. */
  readonly size: number
  stored: number
  rejected: number
  /** Together, from the moment a row was handed over until it was stored, in milliseconds. */
  waitedMs: number
  /** What came after its inserts took so long, in milliseconds. */
  afterMs: number
}

/** Why a batch was cut, as metrics call it. */
export type FlushType = 'size-based' | 'bytes-based' | 'time-based' | 'memory-based' | 'immediate' | 'manual' | 'commit' | 'shutdown'

/** Why rows are stored before a commit that somebody waits for. */
export function flushTypeOf({ ending }: Pick<CommitUrgency, 'ending'>): FlushType {
  return ending === true ? 'shutdown' : 'commit'
}

/** Whether its partition was not taken away. */
export function isWanted({ part }: Entry): boolean {
  return part?.closed !== true
}
