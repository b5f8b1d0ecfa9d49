import { partitionKey, type RebalanceListener, type StartPosition, type TopicPartition } from '@millrace/core'

export interface RebalanceCall {
  readonly hook: 'assigned' | 'revoked' | 'lost'
  readonly partitions: readonly TopicPartition[]
}

/** What a case does in the hooks, besides what {@link RecordingListener} does by itself. */
export interface HookActions {
  /** Where reading begins. Default: offset 0, not paused. */
  readonly startAt?: (partition: TopicPartition) => Partial<StartPosition>
  readonly onAssigned?: (partitions: readonly TopicPartition[]) => Promise<void>
  readonly onRevoked?: (partitions: readonly TopicPartition[]) => Promise<void>
}

/** Keeps what the hooks were called with, and which partitions are held according to them. */
export class RecordingListener implements RebalanceListener {
  readonly calls: RebalanceCall[] = []
  readonly #actions: HookActions
  readonly #held = new Map<string, TopicPartition>()
  #running = 0
  /** Whether two hooks ever ran at once. */
  overlapped = false

  constructor(actions: HookActions = {}) {
    this.#actions = actions
  }

  /** The partitions assigned and not given up, in order. */
  held(): readonly TopicPartition[] {
    return [...this.#held.values()].toSorted((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition)
  }

  readonly onAssigned = async (partitions: readonly TopicPartition[]): Promise<readonly StartPosition[]> => {
    await this.#serve('assigned', partitions, this.#actions.onAssigned)
    for (const at of partitions) this.#held.set(partitionKey(at.topic, at.partition), at)
    return partitions.map((at) => ({ topic: at.topic, partition: at.partition, offset: 0, ...this.#actions.startAt?.(at) }))
  }

  readonly onRevoked = async (partitions: readonly TopicPartition[]): Promise<void> => {
    await this.#serve('revoked', partitions, this.#actions.onRevoked)
    for (const at of partitions) this.#held.delete(partitionKey(at.topic, at.partition))
  }

  readonly onLost = async (partitions: readonly TopicPartition[]): Promise<void> => {
    await this.#serve('lost', partitions, undefined)
    for (const at of partitions) this.#held.delete(partitionKey(at.topic, at.partition))
  }

  async #serve(
    hook: RebalanceCall['hook'],
    partitions: readonly TopicPartition[],
    action: ((partitions: readonly TopicPartition[]) => Promise<void>) | undefined,
  ): Promise<void> {
    this.calls.push({ hook, partitions })
    this.#running++
    if (this.#running > 1) this.overlapped = true
    try {
      await action?.(partitions)
    } finally {
      this.#running--
    }
  }
}
