/** A transaction that was aborted, as a fetch response tells it. */
export interface AbortedTransaction {
  /** Of who wrote it, as the broker gave it. */
  readonly producerId: number
  /** Of its first record in the partition. */
  readonly firstOffset: number
}

/** Tells which batches of one fetch response belong to aborted transactions, while they are met in offset order. */
export class AbortedTransactions {
  readonly #upcoming: readonly AbortedTransaction[]
  readonly #open = new Set<number>()
  #next = 0

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#upcoming = aborted.toSorted((one, other) => one.firstOffset - other.firstOffset)
  }

  /** Every batch is met once: from here on transactions that begin at or below `lastOffset` are known. */
  meet(lastOffset: number): void {
    for (; this.#next < this.#upcoming.length; this.#next++) {
      const { producerId, firstOffset } = this.#upcoming[this.#next] as AbortedTransaction
      if (firstOffset > lastOffset) return
      this.#open.add(producerId)
    }
  }

  /** Its abort marker was met: what the producer writes behind it is of another transaction. */
  end(producerId: number): void {
    this.#open.delete(producerId)
  }

  has(producerId: number): boolean {
    return this.#open.has(producerId)
  }
}
