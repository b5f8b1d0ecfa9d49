import type { RebalanceListener, TopicPartition, TopicPartitionOffset } from '@millrace/core'
import { CODE, kafkaError } from '../client/kafka-errors.ts'
import type { RawConsumer, RawError, RawTopicPartition } from '../client/raw-client.ts'
import type { AssignedPartitions } from './assigned-partitions.ts'

type Start = TopicPartitionOffset & { readonly paused?: boolean | undefined }

export interface RebalanceParts {
  readonly consumer: () => RawConsumer | undefined
  readonly assigned: AssignedPartitions
  /** Forgets what was read of these partitions and not handed out. */
  readonly drop: (partitions: readonly TopicPartition[]) => void
  /** Resolves when the `consume` under way has ended. */
  readonly quiet: () => Promise<void>
  /** The source is being closed: nothing new is begun. */
  readonly closing: () => boolean
  /** Everything is paused because nobody polls. */
  readonly stalled: () => boolean
  readonly onFailure: (error: Error) => void
  readonly onDone: () => void
}

/**
 * Answers the client's rebalances. The client waits for the answer, with what is assigned paused meanwhile, so hooks can take their time; it
 * waits for ever if there is none, so there is one whatever a hook does.
 */
export class Rebalances {
  listener: RebalanceListener | undefined
  readonly #parts: RebalanceParts
  #last: Promise<void> = Promise.resolve()
  #running = 0

  constructor(parts: RebalanceParts) {
    this.#parts = parts
  }

  /** Whether a hook runs or waits for its turn. */
  get running(): boolean {
    return this.#running > 0
  }

  /** The client's `rebalance_cb`. */
  readonly onRebalance = (error: RawError | undefined, partitions: readonly RawTopicPartition[]): void => {
    this.#running++
    this.#last = this.#last
      .then(() => this.#answer(error, partitions))
      .catch((failure: unknown) => this.#parts.onFailure(failure instanceof Error ? failure : new Error(String(failure))))
      .finally(() => {
        this.#running--
        this.#parts.onDone()
      })
  }

  async #answer(error: RawError | undefined, raw: readonly RawTopicPartition[]): Promise<void> {
    const partitions = raw.map(({ topic, partition }) => ({ topic, partition }))
    if (error?.code === CODE.ASSIGN_PARTITIONS) await this.#assign(partitions)
    else if (error?.code === CODE.REVOKE_PARTITIONS) await this.#revoke(partitions)
    else {
      this.#parts.consumer()?.unassign()
      throw kafkaError('rebalance the group', error, { stage: 'source' })
    }
  }

  async #assign(partitions: readonly TopicPartition[]): Promise<void> {
    const { consumer, assigned, closing, stalled } = this.#parts
    let positions: readonly Start[] = []
    try {
      if (!closing()) positions = (await this.listener?.onAssigned(partitions)) ?? []
    } finally {
      const starts = partitions.map(({ topic, partition }) => {
        const position = positions.find((one) => one.topic === topic && one.partition === partition)
        return position === undefined ? { topic, partition } : { topic, partition, offset: position.offset }
      })
      if (this.#cooperative) consumer()?.incrementalAssign(starts)
      else consumer()?.assign(starts)
    }
    for (const position of positions) assigned.add(position, position.paused === true)
    const paused = stalled() ? partitions : positions.filter((position) => position.paused === true)
    if (paused.length > 0) consumer()?.pause(paused.map(({ topic, partition }) => ({ topic, partition })))
  }

  async #revoke(partitions: readonly TopicPartition[]): Promise<void> {
    const { consumer, assigned, drop, quiet } = this.#parts
    const lost = consumer()?.assignmentLost() === true
    // What was read but not handed out belongs to the next owner; what is still on its way is dropped when it arrives.
    drop(partitions)
    assigned.setPaused(partitions, true)
    try {
      if (lost) await this.listener?.onLost(partitions)
      else await this.listener?.onRevoked(partitions)
    } finally {
      await quiet()
      drop(partitions)
      assigned.remove(partitions)
      if (this.#cooperative) consumer()?.incrementalUnassign(partitions)
      else consumer()?.unassign()
    }
  }

  get #cooperative(): boolean {
    return this.#parts.consumer()?.rebalanceProtocol() === 'COOPERATIVE'
  }
}
