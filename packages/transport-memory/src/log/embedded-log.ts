import type { Clock, NewTopic, OffsetCommit, PollResult, TopicPartitionOffset } from '@millrace/core'
import type { MemoryFaults, MemoryOperation } from '../faults.ts'
import { Group } from '../group/group.ts'
import { offsetOutOfRange } from '../internal/errors.ts'
import { scrubbedBatch } from '../internal/scrubbed-batch.ts'
import { systemClock } from '../internal/system-clock.ts'
import type { MemoryOptions } from '../memory-options.ts'
import type { LogStorage, RestoredLog } from './log-storage.ts'
import { PartitionLog, type PartitionLogOptions } from './partition-log.ts'
import { checkNewTopic, TopicRegistry } from './topic-registry.ts'
import { TransactionCoordinator } from './transaction-coordinator.ts'
import type { Transaction } from './transaction.ts'

const DEFAULT_REBALANCE_TIMEOUT_MS = 300_000

/** How many topics were made in this process, over all logs. */
let topicsMade = 0

/** Everything that sources, writers and admins of one transport share: topics, groups and transactions. */
export class EmbeddedLog {
  readonly clock: Clock
  readonly rebalanceTimeoutMs: number
  readonly faults: Faults
  readonly topics = new TopicRegistry()
  readonly transactions: TransactionCoordinator
  readonly #scrubReleased: boolean
  readonly #storage: LogStorage | undefined
  readonly #groups = new Map<string, Group>()

  constructor(options: MemoryOptions, storage?: LogStorage) {
    this.clock = options.clock ?? systemClock
    this.rebalanceTimeoutMs = options.rebalanceTimeoutMs ?? DEFAULT_REBALANCE_TIMEOUT_MS
    this.faults = new Faults(options.faults)
    this.#scrubReleased = options.scrubReleased ?? false
    this.#storage = storage
    this.transactions = new TransactionCoordinator(this, storage?.restored.lastTransactionId)
    if (storage !== undefined) this.#restore(storage.restored)
  }

  #restore({ topics, offsets }: RestoredLog): void {
    for (const { name, config, partitions } of topics) {
      this.#addTopic({ topic: name, config, partitions: partitions.length }, partitions)
    }
    for (const [group, committed] of offsets) this.group(group).offsets.apply(committed)
  }

  /** A group that somebody has asked for before. */
  findGroup(id: string): Group | undefined {
    return this.#groups.get(id)
  }

  group(id: string): Group {
    let group = this.#groups.get(id)
    if (group === undefined) {
      group = new Group(id, this.topics)
      this.#groups.set(id, group)
    }
    return group
  }

  /** Creates topics that do not exist yet. */
  createTopics(topics: readonly NewTopic[]): void {
    for (const topic of topics) checkNewTopic(topic)
    for (const topic of topics) {
      if (this.topics.get(topic.topic) !== undefined) continue
      const storages = this.#storage?.createTopic(topic)
      this.#addTopic(topic, storages?.map((storage) => ({ storage })) ?? [])
    }
  }

  #addTopic({ topic, partitions, config = {} }: NewTopic, kept: readonly PartitionLogOptions[]): void {
    this.topics.add({
      name: topic,
      id: this.#storage === undefined ? `topic-${++topicsMade}` : undefined,
      config: { ...config },
      maxRecordBytes: Number(config['max.message.bytes'] ?? Infinity),
      partitions: Array.from({ length: partitions }, (_, partition) => new PartitionLog({ topic, partition }, kept[partition])),
    })
  }

  /** Deletes topics with their committed offsets; unknown ones are no error. */
  deleteTopics(topics: readonly string[]): void {
    for (const topic of topics) {
      if (this.topics.get(topic) === undefined) continue
      this.#storage?.deleteTopic(topic)
      this.topics.remove(topic)
    }
  }

  /** Deletes the records below these offsets, of all partitions or, if one is out of range, of none. */
  deleteRecords(offsets: readonly TopicPartitionOffset[]): void {
    const logs = offsets.map((at) => {
      const log = this.topics.requirePartition(at, 'source')
      if (at.offset > log.endOffset) throw offsetOutOfRange(at, log.startOffset, log.endOffset)
      return log
    })
    logs.forEach((log, i) => {
      const { offset } = offsets[i] as TopicPartitionOffset
      if (offset <= log.startOffset) return
      this.#storage?.moveStart(log, offset, log.endOffset)
      log.deleteBelow(offset)
    })
  }

  commitOffsets(group: Group, offsets: readonly OffsetCommit[]): void {
    this.#storage?.commitOffsets(group.id, offsets)
    group.offsets.apply(offsets)
  }

  finish(transaction: Transaction, outcome: 'committed' | 'aborted'): void {
    if (outcome === 'committed') {
      const offsets = new Map(Array.from(transaction.offsets, ([group, own]) => [group.id, own]))
      this.#storage?.commitTransaction(transaction.id, offsets)
    }
    for (const log of transaction.partitions) log.finish(transaction, outcome)
    for (const [group, offsets] of transaction.offsets) {
      if (outcome === 'committed') group.offsets.apply(offsets)
      group.offsets.letGo(offsets)
    }
  }

  /** Returns when what has been written is as safe as the log's folder promises. */
  sync(): void {
    this.#storage?.sync()
  }

  /** Lets go of the folder, if there is one. */
  close(): void {
    this.#storage?.close()
  }

  /** What a poll found, as it is handed to the reader. */
  handOut(found: PollResult): PollResult {
    return this.#scrubReleased ? { batches: found.batches.map(scrubbedBatch), ends: found.ends } : found
  }
}

/** The injected faults, if any. */
class Faults {
  /** Whether there are any: then records are delivered behind the writer's back. */
  readonly active: boolean
  readonly #faults: MemoryFaults

  constructor(faults: MemoryFaults | undefined) {
    this.active = faults !== undefined
    this.#faults = faults ?? {}
  }

  before(operation: MemoryOperation): void | Promise<void> {
    return this.#faults.before?.(operation)
  }

  after(operation: MemoryOperation): void | Promise<void> {
    return this.#faults.after?.(operation)
  }
}
