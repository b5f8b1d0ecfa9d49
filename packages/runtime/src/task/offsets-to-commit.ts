import { type OffsetCommit, partitionKey } from '@millrace/core'
import { encodePartitionTime } from '../commit/offset-metadata.ts'
import type { PartitionQueue } from '../source/partition-queue.ts'

/** How many passes of a partition are remembered that are not committed: what is held back may be for long. */
const MOST_HELD = 1_000

/** Passes of a partition that are not committed, ascending: each has the partition's time of then. */
interface Held {
  passes: OffsetCommit[]
  /** One of so many is remembered: when there are too many, every second is forgotten. */
  stride: number
  skipped: number
}

/** How far a task has got in its partitions since its last commit. */
export class OffsetsToCommit {
  readonly #queues: readonly PartitionQueue[]
  /** By partition: what was taken last, or where reading began. */
  readonly #taken = new Map<string, OffsetCommit>()
  /** Likewise, what is committed: a sink outside of the log may hold back some of what was taken. */
  readonly #confirmed = new Map<string, OffsetCommit>()
  /** Likewise, what was processed and is not committed. */
  readonly #held = new Map<string, Held>()

  constructor(queues: readonly PartitionQueue[]) {
    this.#queues = queues
    for (const queue of queues) this.#taken.set(partitionKey(queue.topic, queue.partition), offsetOf(queue))
    for (const [key, offset] of this.#taken) this.#confirmed.set(key, offset)
  }

  /** These are committed: what was taken beyond them is new at the next call. */
  confirmed(committed: readonly OffsetCommit[]): void {
    for (const offset of committed) {
      const key = partitionKey(offset.topic, offset.partition)
      if (!this.#confirmed.has(key)) continue
      this.#confirmed.set(key, offset)
      const held = this.#held.get(key)
      if (held === undefined) continue
      held.passes = held.passes.filter((passed) => passed.offset > offset.offset)
      if (held.passes.length === 0) this.#held.delete(key)
    }
    for (const [key, offset] of this.#confirmed) this.#taken.set(key, offset)
  }

  /** A pass has got as far as this: some of it may be held back. */
  passed(queue: PartitionQueue): void {
    this.#hold(partitionKey(queue.topic, queue.partition), offsetOf(queue))
  }

  /** What is new since the last call; `held` is what was there before, of one of the partitions. */
  take(): { readonly offsets: readonly OffsetCommit[]; readonly held: OffsetCommit } {
    const [held] = [...this.#taken.values()] as [OffsetCommit]
    const offsets: OffsetCommit[] = []
    for (const queue of this.#queues) {
      const key = partitionKey(queue.topic, queue.partition)
      if (this.#taken.get(key)?.offset === queue.nextOffset) continue
      const offset = offsetOf(queue)
      this.#taken.set(key, offset)
      offsets.push(offset)
    }
    return { offsets, held }
  }

  /**
   * As it is to be committed, be it less than what was taken: with the time that the partition had there, or last before. That of a later record would make
   * records late, when it is read again, that were not.
   */
  timed(commit: OffsetCommit): OffsetCommit {
    const key = partitionKey(commit.topic, commit.partition)
    const known = this.#held.get(key)?.passes.findLast(({ offset }) => offset <= commit.offset) ?? this.#confirmed.get(key)
    return known === undefined ? commit : { ...commit, metadata: known.metadata }
  }

  #hold(key: string, passed: OffsetCommit): void {
    const held = this.#held.get(key)
    if (held === undefined) {
      this.#held.set(key, { passes: [passed], stride: 1, skipped: 0 })
      return
    }
    if (++held.skipped < held.stride) return
    held.skipped = 0
    if (held.passes.push(passed) <= MOST_HELD) return
    held.passes = held.passes.filter((_, i) => i % 2 === 0)
    held.stride *= 2
  }
}

function offsetOf({ topic, partition, nextOffset, partitionTime }: PartitionQueue): OffsetCommit {
  return { topic, partition, offset: nextOffset, metadata: encodePartitionTime(partitionTime) }
}
