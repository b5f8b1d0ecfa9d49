/** Where records without a key go: one partition, until a batch of it is full or sent, then another (as Java's clients do), so that batches are few and all partitions get some. */
export class KeylessPartitions {
  readonly #random: () => number
  readonly #current = new Map<string, number>()

  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  of(topic: string, partitions: number): number {
    const known = this.#current.get(topic)
    if (known !== undefined && known < partitions) return known
    const chosen = Math.floor(this.#random() * partitions)
    this.#current.set(topic, chosen)
    return chosen
  }

  forget(topic: string): void {
    this.#current.delete(topic)
  }

  /** A batch of the partition is finished: it is another's turn. */
  next(topic: string, partition: number, partitions: number): void {
    if (this.#current.get(topic) !== partition || partitions < 2) return
    // Any but this one.
    this.#current.set(topic, (partition + 1 + Math.floor(this.#random() * (partitions - 1))) % partitions)
  }
}
