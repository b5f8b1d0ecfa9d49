import { type OffsetCommit, partitionKey } from '@millrace/core'

/** How far the stores of a task are in its inputs: what is committed, or what stores without a changelog say of themselves. */
export class InputPositions {
  /** Offsets committed so far, by topic-partition: what local entries correspond to. One object for good. */
  readonly offsets: Record<string, number> = {}
  /** How far the stores without a changelog are, by topic-partition; of several, the lowest. */
  readonly own = new Map<string, number>()
  /** Of the input topics that stores without a changelog have seen, the ids, as far as known: another topic of that name has another. */
  ids: Readonly<Record<string, string>> = {}
  #committed: readonly OffsetCommit[] = []

  /** What is committed of the task's inputs, or where they begin. */
  begin(committed: readonly OffsetCommit[]): void {
    this.#committed = committed
    this.moveTo(committed)
  }

  moveTo(offsets: readonly OffsetCommit[]): void {
    for (const { topic, partition, offset } of offsets) this.offsets[partitionKey(topic, partition)] = offset
  }

  /** What a store without a changelog says of itself. */
  noteOwn(inputs: Readonly<Record<string, number>>, ids: Readonly<Record<string, string>> = {}): void {
    for (const [key, offset] of Object.entries(inputs)) {
      // Topics that the task has no more are of no interest.
      if (key in this.offsets) this.own.set(key, Math.min(offset, this.own.get(key) ?? Infinity))
    }
    this.ids = { ...this.ids, ...ids }
  }

  /** Reading goes on where the stores without a changelog are. */
  goOnFromOwn(): void {
    for (const [key, offset] of this.own) this.offsets[key] = offset
  }

  /** They are empty now: it goes on from what is committed. */
  forgetOwn(): void {
    this.own.clear()
    this.ids = {}
    this.moveTo(this.#committed)
  }
}
