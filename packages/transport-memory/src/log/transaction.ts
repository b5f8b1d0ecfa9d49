import type { OffsetCommit } from '@millrace/core'
import type { Group } from '../group/group.ts'
import type { PartitionLog } from './partition-log.ts'

interface Run {
  readonly first: number
  last: number
}

/** What one transaction has done so far, none of it visible to read-committed readers yet. */
export class Transaction {
  /** Unique in its log, also over restarts of a log that is kept in a folder; never 0. */
  readonly id: number
  readonly #runs = new Map<PartitionLog, Run[]>()
  readonly #offsets = new Map<Group, OffsetCommit[]>()

  constructor(id: number) {
    this.id = id
  }

  /** Notes that the offsets from `first` to `last` (inclusive) of a partition are this transaction's. */
  wrote(log: PartitionLog, first: number, last: number): void {
    const runs = this.#runs.get(log)
    if (runs === undefined) {
      this.#runs.set(log, [{ first, last }])
      return
    }
    const previous = runs.at(-1)
    if (previous !== undefined && previous.last === first - 1) previous.last = last
    else runs.push({ first, last })
  }

  runsIn(log: PartitionLog): readonly Readonly<Run>[] {
    return this.#runs.get(log) ?? []
  }

  get partitions(): Iterable<PartitionLog> {
    return this.#runs.keys()
  }

  /** Until the transaction ends, these partitions' committed offsets of the group are not stable. */
  addOffsets(group: Group, offsets: readonly OffsetCommit[]): void {
    group.offsets.hold(offsets)
    const own = this.#offsets.get(group)
    if (own === undefined) this.#offsets.set(group, [...offsets])
    else own.push(...offsets)
  }

  get offsets(): ReadonlyMap<Group, readonly OffsetCommit[]> {
    return this.#offsets
  }
}
