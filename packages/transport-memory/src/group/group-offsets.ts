import { MillraceError, partitionKey, type OffsetCommit, type TopicPartition } from '@millrace/core'

/** Kafka's default `offset.metadata.max.bytes`. */
const MAX_METADATA_BYTES = 4096

/** A group's committed offsets, and those that open transactions hold back. */
export class GroupOffsets {
  readonly #committed = new Map<string, OffsetCommit>()
  /** How many open transactions have an offset for a partition. */
  readonly #pending = new Map<string, number>()
  readonly #waiting = new Set<() => void>()

  get(at: TopicPartition): OffsetCommit | undefined {
    return this.#committed.get(partitionKey(at.topic, at.partition))
  }

  of(partitions: readonly TopicPartition[]): readonly OffsetCommit[] {
    return partitions.map((at) => this.get(at)).filter((commit) => commit !== undefined)
  }

  all(): readonly OffsetCommit[] {
    return [...this.#committed.values()]
  }

  apply(offsets: readonly OffsetCommit[]): void {
    for (const commit of offsets) this.#committed.set(partitionKey(commit.topic, commit.partition), toCommit(commit))
  }

  forgetTopic(topic: string): void {
    for (const [key, commit] of this.#committed) if (commit.topic === topic) this.#committed.delete(key)
  }

  hold(offsets: readonly TopicPartition[]): void {
    for (const { topic, partition } of offsets) {
      const key = partitionKey(topic, partition)
      this.#pending.set(key, (this.#pending.get(key) ?? 0) + 1)
    }
  }

  letGo(offsets: readonly TopicPartition[]): void {
    for (const { topic, partition } of offsets) {
      const key = partitionKey(topic, partition)
      const left = (this.#pending.get(key) ?? 1) - 1
      if (left === 0) this.#pending.delete(key)
      else this.#pending.set(key, left)
    }
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }

  /** Resolves when no open transaction holds an offset of these partitions; transactions end by their time limit at the latest. */
  async stable(partitions: readonly TopicPartition[]): Promise<void> {
    while (partitions.some(({ topic, partition }) => this.#pending.has(partitionKey(topic, partition)))) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }
}

function toCommit({ topic, partition, offset, metadata }: OffsetCommit): OffsetCommit {
  return metadata === undefined ? { topic, partition, offset } : { topic, partition, offset, metadata }
}

/** Throws when an offset is not one, or its metadata is larger than Kafka takes by default. */
export function checkOffsets(offsets: readonly OffsetCommit[]): void {
  for (const { topic, partition, offset, metadata } of offsets) {
    if (!Number.isSafeInteger(offset) || offset < 0) {
      throw new TypeError(`${offset} can't be committed for ${topic}-${partition}: an offset is an integer of at least 0.`)
    }
    if (metadata !== undefined && Buffer.byteLength(metadata) > MAX_METADATA_BYTES) {
      const message = `The metadata of offset ${offset} of ${topic}-${partition} is longer than ${MAX_METADATA_BYTES} bytes.`
      throw new MillraceError('OFFSET_METADATA_TOO_LARGE', message, { stage: 'commit', topic, partition, offset })
    }
  }
}
