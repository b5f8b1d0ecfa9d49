import { type OffsetCommit, partitionKey } from '@millrace/core'
import { encodePartitionTime } from '../commit/offset-metadata.ts'
import type { PartitionQueue } from '../source/partition-queue.ts'

/** How far a task has got in its partitions since its last commit. */
export class OffsetsToCommit {
  readonly #queues: readonly PartitionQueue[]
  /** By partition: what was taken last, or where reading began. */
  readonly #taken = new Map<string, OffsetCommit>()
  /** Likewise, what is committed: a sink outside of the log may hold back some of what was taken. */
  readonly #confirmed = new Map<string, OffsetCommit>()

  constructor(queues: readonly PartitionQueue[]) {
    this.#queues = queues
    for (const queue of queues) this.#taken.set(partitionKey(queue.topic, queue.partition), offsetOf(queue))
    for (const [key, offset] of this.#taken) this.#confirmed.set(key, offset)
  }

  /** These are committed: what was taken beyond them is new at the next call. */
  confirmed(committed: readonly OffsetCommit[]): void {
    for (const offset of committed) {
      const key = partitionKey(offset.topic, offset.partition)
      if (this.#confirmed.has(key)) this.#confirmed.set(key, offset)
    }
    for (const [key, offset] of this.#confirmed) this.#taken.set(key, offset)
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
}

function offsetOf({ topic, partition, nextOffset, partitionTime }: PartitionQueue): OffsetCommit {
  return { topic, partition, offset: nextOffset, metadata: encodePartitionTime(partitionTime) }
}
