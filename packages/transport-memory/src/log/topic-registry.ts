import type { NewTopic, Stage, TopicPartition } from '@millrace/core'
import { unknownPartition, unknownTopic } from '../internal/errors.ts'
import { matchesTopic } from '../internal/topic-patterns.ts'
import type { PartitionLog } from './partition-log.ts'

/** A topic: its settings and its partitions. */
export interface Topic {
  readonly name: string
  /** Unlike that of any other topic; absent where the log is kept in a folder. */
  readonly id: string | undefined
  readonly config: Readonly<Record<string, string>>
  readonly partitions: readonly PartitionLog[]
  /** From `max.message.bytes`; infinite where that is not set. */
  readonly maxRecordBytes: number
}

/** The topics there are; tells its listeners when one comes or goes. */
export class TopicRegistry {
  readonly #topics = new Map<string, Topic>()
  readonly #listeners = new Set<(topic: string, change: 'added' | 'removed') => void>()

  get(name: string): Topic | undefined {
    return this.#topics.get(name)
  }

  /** All topics, by name. */
  all(): readonly Topic[] {
    return [...this.#topics.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  matching(patterns: readonly (string | RegExp)[]): readonly Topic[] {
    return this.all().filter((topic) => matchesTopic(patterns, topic.name))
  }

  require(name: string, stage: Stage): Topic {
    const topic = this.#topics.get(name)
    if (topic === undefined) throw unknownTopic(stage, name)
    return topic
  }

  requirePartition(at: TopicPartition, stage: Stage): PartitionLog {
    const topic = this.require(at.topic, stage)
    const log = topic.partitions[at.partition]
    if (log === undefined) throw unknownPartition(stage, at.topic, at.partition, topic.partitions.length)
    return log
  }

  /** Whether the partition still exists: a deleted topic's name may be in use again. */
  holds(log: PartitionLog): boolean {
    return this.#topics.get(log.topic)?.partitions[log.partition] === log
  }

  add(topic: Topic): void {
    this.#topics.set(topic.name, topic)
    for (const listener of this.#listeners) listener(topic.name, 'added')
  }

  remove(name: string): void {
    const removed = this.#topics.get(name)
    this.#topics.delete(name)
    for (const log of removed?.partitions ?? []) log.wake()
    for (const listener of this.#listeners) listener(name, 'removed')
  }

  /** Calls `listener` after each change; returns how to stop that. */
  onChange(listener: (topic: string, change: 'added' | 'removed') => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

/** Throws a `TypeError` that says what is wrong with a topic to be created. */
export function checkNewTopic({ topic, partitions }: NewTopic): void {
  if (!/^[a-zA-Z0-9._-]{1,249}$/.test(topic) || topic === '.' || topic === '..') {
    throw new TypeError(`'${topic}' can't name a topic: 1 to 249 letters, digits, '.', '_' and '-', other than '.' and '..'.`)
  }
  if (!Number.isSafeInteger(partitions) || partitions < 1) {
    throw new TypeError(`Topic '${topic}' can't have ${partitions} partitions: at least 1.`)
  }
}
