import { type OffsetCommit, partitionKey, type StartingPartition, type TopicPartition } from '@millrace/core'
import { PartitionProgress } from '../insert/partition-progress.ts'

/** The partitions whose tasks are here. */
export class Partitions {
  readonly #parts = new Map<string, PartitionProgress>()

  assign({ topic, partition, offset }: StartingPartition): PartitionProgress {
    const part = new PartitionProgress(topic, partition, offset)
    this.#parts.set(partitionKey(topic, partition), part)
    return part
  }

  /** Forgets it; undefined: it is not here. */
  revoke({ topic, partition }: TopicPartition): PartitionProgress | undefined {
    const key = partitionKey(topic, partition)
    const part = this.#parts.get(key)
    this.#parts.delete(key)
    return part
  }

  get({ topic, partition }: TopicPartition): PartitionProgress | undefined {
    return this.#parts.get(partitionKey(topic, partition))
  }

  /** Those of them that are here. */
  of(partitions: readonly TopicPartition[]): PartitionProgress[] {
    return partitions.flatMap((at) => this.get(at) ?? [])
  }

  /** Up to where each is stored: where the first record is that has rows that are not, or what `align` makes of that. */
  durable(offsets: readonly OffsetCommit[], align = (lowest: number, _start: number) => lowest): readonly OffsetCommit[] {
    return offsets.map((wanted) => {
      const part = this.get(wanted)
      if (part === undefined) return wanted
      return { ...wanted, offset: align(Math.min(wanted.offset, part.lowest ?? Infinity), part.start) }
    })
  }
}
