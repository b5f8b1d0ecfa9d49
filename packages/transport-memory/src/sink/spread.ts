/** Kafka's default `batch.size`: how much a keyless run writes to one partition before it goes on to the next. */
const STICKY_BYTES = 16 * 1024

/** Spreads records without key over a topic's partitions: in turn, from one write to the next and within a large one. */
export class Spread {
  #partition = -1
  #bytes = 0

  /** A new write begins. */
  turn(): void {
    this.#bytes = STICKY_BYTES
  }

  /** The partition of the next record. */
  next(byteLength: number, partitions: number): number {
    if (this.#bytes >= STICKY_BYTES) {
      this.#partition = (this.#partition + 1) % partitions
      this.#bytes = 0
    }
    this.#bytes += byteLength
    return this.#partition
  }
}
