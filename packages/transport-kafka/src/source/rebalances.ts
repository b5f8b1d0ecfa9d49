import { partitionKey, type RebalanceListener, type StartPosition, type TopicPartition } from '@millrace/core'
import type { ConsumerClient, Rebalance } from '../client/kafka-client.ts'
import { kafkaError } from '../errors/kafka-error.ts'
import type { Pump } from './pump.ts'
import { type ReadPartitions, startAt } from './read-partition.ts'
import type { Shelf } from './shelf.ts'

export interface RebalancesParts {
  readonly client: ConsumerClient
  readonly partitions: ReadPartitions
  readonly shelf: Shelf
  readonly pump: Pump
  readonly onFailure: (error: unknown) => void
  /** One has been answered. */
  readonly onAnswered: () => void
}

/**
 * Answers the rebalances of the group, one after the other: the client waits for each answer, however long the hook takes, with all partitions
 * paused. There is an answer whatever the hook does, since the group would wait for ever.
 */
export class Rebalances {
  readonly #parts: RebalancesParts
  #listener: RebalanceListener | undefined
  #last: Promise<void> = Promise.resolve()
  #waiting = 0
  #leaving = false
  /** What the client holds: it will ask for all of it when the group is left. */
  readonly #held = new Set<string>()

  constructor(parts: RebalancesParts) {
    this.#parts = parts
  }

  /** Whether `listenTo` was called. */
  get subscribed(): boolean {
    return this.#listener !== undefined
  }

  /** Whether every rebalance has been answered. */
  get idle(): boolean {
    return this.#waiting === 0
  }

  /** Resolves when those that there are have been answered. */
  answered(): Promise<void> {
    return this.#last
  }

  /** Whether the client holds nothing, nor is about to. */
  get done(): boolean {
    return this.idle && this.#held.size === 0
  }

  listenTo(listener: RebalanceListener): void {
    this.#listener = listener
  }

  /** The source leaves its group: what is still assigned to it is not begun. */
  leave(): void {
    this.#leaving = true
  }

  readonly onRebalance = (rebalance: Rebalance): void => {
    if (rebalance.type === 'lost') this.#lose(rebalance.partitions)
    this.#waiting++
    this.#last = this.#last.then(() => this.#answer(rebalance))
  }

  /** At once, also while the hook of an earlier rebalance is at work: others may be reading them. */
  #lose(partitions: readonly TopicPartition[]): void {
    const { partitions: all, shelf } = this.#parts
    shelf.drop(partitions)
    for (const at of partitions) {
      const read = all.get(at)
      if (read === undefined) continue
      read.leaving = true
      read.gone = true
    }
  }

  async #answer({ type, partitions }: Rebalance): Promise<void> {
    try {
      if (type === 'assign') await this.#assign(partitions)
      else await this.#giveUp(partitions, type)
    } catch (error) {
      this.#parts.onFailure(kafkaError('take part in a rebalance', error, { stage: 'source' }))
    } finally {
      this.#waiting--
      this.#parts.onAnswered()
    }
  }

  async #assign(partitions: readonly TopicPartition[]): Promise<void> {
    const { partitions: all, pump, client, onFailure } = this.#parts
    let starts: readonly StartPosition[] = partitions.map((at) => ({ ...at, offset: 0, paused: true }))
    if (!this.#leaving) {
      for (const at of partitions) all.add(at)
      try {
        starts = startsOf(partitions, (await this.#listener?.onAssigned(partitions)) ?? [])
      } catch (error) {
        // They stay assigned, and are not read: what is wrong is for the reader to decide, who is told by the next poll.
        onFailure(error)
      }
    }
    await pump.exclusively(() => {
      client.completeAssign(starts.map(({ topic, partition, offset }) => ({ topic, partition, offset })))
      for (const { topic, partition } of partitions) this.#held.add(partitionKey(topic, partition))
      for (const start of starts) {
        const read = all.get(start)
        if (read === undefined) continue
        read.paused = start.paused ?? false
        startAt(read, start.offset)
        if (read.paused || pump.stalled) pump.hold([read])
      }
      if (this.#leaving && starts.length > 0) client.pause(starts)
    })
    pump.wake()
  }

  async #giveUp(partitions: readonly TopicPartition[], type: 'revoke' | 'lost'): Promise<void> {
    const { partitions: all, shelf, pump, client, onFailure } = this.#parts
    // Partitions that came while the source was leaving were never begun.
    const begun = partitions.filter((at) => all.get(at) !== undefined)
    // What was not handed out is for the next owner to read.
    shelf.drop(begun)
    for (const at of begun) {
      const read = all.get(at)
      if (read !== undefined) read.leaving = true
    }
    try {
      if (begun.length > 0) await (type === 'lost' ? this.#listener?.onLost(begun) : this.#listener?.onRevoked(begun))
    } catch (error) {
      onFailure(error)
    }
    await pump.exclusively(() => {
      all.remove(begun)
      for (const { topic, partition } of partitions) this.#held.delete(partitionKey(topic, partition))
      client.completeRevoke(partitions)
    })
    pump.wake()
  }
}

/** A start for each partition, in their order. */
function startsOf(partitions: readonly TopicPartition[], starts: readonly StartPosition[]): readonly StartPosition[] {
  const given = new Map(starts.map((start) => [partitionKey(start.topic, start.partition), start]))
  return partitions.map(({ topic, partition }) => {
    const start = given.get(partitionKey(topic, partition))
    if (start === undefined) throw new TypeError(`onAssigned gave no start position for ${topic}-${partition}.`)
    return start
  })
}
