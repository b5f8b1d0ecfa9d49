import {
  partitionKey,
  type OffsetCommit,
  type RebalanceListener,
  type RecordSource,
  type StartPosition,
  type TopicPartition,
} from '@millrace/core'

/** A member's hooks: holds what is assigned, begins at committed offsets, and commits what it was told to have read when it gives up. */
export class Holder implements RebalanceListener {
  readonly calls: { readonly hook: 'assigned' | 'revoked' | 'lost'; readonly partitions: readonly TopicPartition[] }[] = []
  /** The next offset of each partition held. */
  readonly next = new Map<string, number>()
  source: RecordSource | undefined
  /** Awaited in `onRevoked`, before the commit. */
  beforeCommit: () => Promise<void> = () => Promise.resolve()
  /** Awaited in `onLost`. */
  beforeLost: () => Promise<void> = () => Promise.resolve()

  get held(): readonly string[] {
    return [...this.next.keys()].toSorted()
  }

  readonly onAssigned = async (partitions: readonly TopicPartition[]): Promise<readonly StartPosition[]> => {
    this.calls.push({ hook: 'assigned', partitions })
    const committed = await this.source?.committed(partitions)
    return partitions.map(({ topic, partition }) => {
      const offset = committed?.find((at) => at.topic === topic && at.partition === partition)?.offset ?? 0
      this.next.set(partitionKey(topic, partition), offset)
      return { topic, partition, offset }
    })
  }

  readonly onRevoked = async (partitions: readonly TopicPartition[]): Promise<void> => {
    this.calls.push({ hook: 'revoked', partitions })
    await this.beforeCommit()
    await this.source?.commit(this.#offsetsOf(partitions))
    this.#forget(partitions)
  }

  readonly onLost = async (partitions: readonly TopicPartition[]): Promise<void> => {
    this.calls.push({ hook: 'lost', partitions })
    await this.beforeLost()
    this.#forget(partitions)
  }

  #offsetsOf(partitions: readonly TopicPartition[]): readonly OffsetCommit[] {
    return partitions.map(({ topic, partition }) => ({ topic, partition, offset: this.next.get(partitionKey(topic, partition)) ?? 0 }))
  }

  #forget(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.next.delete(partitionKey(topic, partition))
  }
}
