import { setTimeout } from 'node:timers/promises'
import {
  type IsolationLevel,
  MillraceError,
  type NewTopic,
  type OffsetCommit,
  type TopicDescription,
  type TopicPartition,
  type TopicPartitionOffset,
  type TransportAdmin,
} from '@millrace/core'
import { call } from '../client/call.ts'
import { CODE, kafkaError } from '../client/kafka-errors.ts'
import type { Callback, RawAdmin, RawGroupOffsets, RawKafka, RawTopicDescription, RawTopicPartition } from '../client/raw-client.ts'
import type { ResolvedKafkaOptions } from '../kafka-options.ts'

/** Between two looks at a topic that is being created. */
const LOOK_MS = 50

/** Topics and offsets through the client's admin API. Errors of single items come inside the answers. */
export class KafkaAdmin implements TransportAdmin {
  readonly #kafka: RawKafka
  readonly #admin: RawAdmin
  readonly #timeoutMs: number
  #closed = false

  constructor(kafka: RawKafka, admin: RawAdmin, { requestTimeoutMs }: ResolvedKafkaOptions) {
    this.#kafka = kafka
    this.#admin = admin
    this.#timeoutMs = requestTimeoutMs
  }

  async createTopics(topics: readonly NewTopic[]): Promise<void> {
    for (const { topic, partitions, replicationFactor = -1, config = {} } of topics) {
      try {
        await this.#call(`create topic '${topic}'`, (callback) =>
          this.#admin.createTopic(
            { topic, num_partitions: partitions, replication_factor: replicationFactor, config },
            this.#timeoutMs,
            callback,
          ),
        )
      } catch (error) {
        if (codeOf(error) !== CODE.TOPIC_ALREADY_EXISTS) throw error
      }
    }
    await this.#untilWritable(topics.map(({ topic }) => topic))
  }

  async deleteTopics(topics: readonly string[]): Promise<void> {
    for (const topic of topics) {
      try {
        await this.#call(`delete topic '${topic}'`, (callback) => this.#admin.deleteTopic(topic, this.#timeoutMs, callback))
      } catch (error) {
        if (codeOf(error) !== CODE.UNKNOWN_TOPIC_OR_PARTITION) throw error
      }
    }
  }

  async describeTopics(topics: readonly (string | RegExp)[]): Promise<readonly TopicDescription[]> {
    const names = new Set(topics.filter((topic) => typeof topic === 'string'))
    const patterns = topics.filter((topic) => topic instanceof RegExp)
    if (patterns.length > 0) {
      const all = await this.#call<string[]>('list topics', (callback) => this.#admin.listTopics({ timeout: this.#timeoutMs }, callback))
      for (const name of all) if (!name.startsWith('__') && patterns.some((pattern) => matches(pattern, name))) names.add(name)
    }
    const described = await this.#describe([...names])
    return described.flatMap(({ name, partitions }) => (partitions === undefined ? [] : [{ topic: name, partitions: partitions.length }]))
  }

  beginningOffsets(partitions: readonly TopicPartition[]): Promise<readonly TopicPartitionOffset[]> {
    return this.#listOffsets(partitions, this.#kafka.OffsetSpec.EARLIEST, 'read-uncommitted')
  }

  endOffsets(partitions: readonly TopicPartition[], isolation: IsolationLevel): Promise<readonly TopicPartitionOffset[]> {
    return this.#listOffsets(partitions, this.#kafka.OffsetSpec.LATEST, isolation)
  }

  async offsetsForTimes(partitions: readonly TopicPartition[], timestampMs: number): Promise<readonly TopicPartitionOffset[]> {
    const found = await this.#listOffsets(partitions, new this.#kafka.OffsetSpec(timestampMs), 'read-uncommitted')
    const missing = found.filter(({ offset }) => offset < 0)
    if (missing.length === 0) return found
    // No record is that young: the end.
    return [...found.filter(({ offset }) => offset >= 0), ...(await this.endOffsets(missing, 'read-uncommitted'))]
  }

  async committedOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<readonly OffsetCommit[]> {
    if (partitions.length === 0) return []
    const asked = partitions.map(({ topic, partition }) => ({ topic, partition }))
    // Always with partitions: without, the client may crash for a group it has never seen.
    const [group] = await this.#call<RawGroupOffsets[]>(`look up the offsets of group '${groupId}'`, (callback) =>
      this.#admin.listConsumerGroupOffsets(
        [{ groupId, partitions: asked }],
        { timeout: this.#timeoutMs, requireStableOffsets: true },
        callback,
      ),
    )
    if (group?.error !== undefined && group.error !== null && group.error.code !== 0)
      throw kafkaError(`look up the offsets of group '${groupId}'`, group.error, { stage: 'commit' })
    return (group?.partitions ?? []).flatMap(({ topic, partition, offset, metadata }) => {
      if (offset === undefined || offset === null || offset < 0) return []
      return metadata === undefined || metadata === null || metadata === ''
        ? [{ topic, partition, offset }]
        : [{ topic, partition, offset, metadata }]
    })
  }

  async deleteRecords(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    if (offsets.length === 0) return
    const results = await this.#call<RawTopicPartition[]>('delete records', (callback) =>
      this.#admin.deleteRecords(
        offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset })),
        { timeout: this.#timeoutMs, operationTimeout: this.#timeoutMs },
        callback,
      ),
    )
    for (const { topic, partition, error } of results) {
      if (error !== undefined && error !== null && error.code !== 0)
        throw kafkaError(`delete records of ${topic}-${partition}`, error, { stage: 'source', topic, partition })
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#admin.disconnect()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Asks the broker for something small; rejects if it can't be reached. */
  async ping(timeoutMs: number): Promise<void> {
    await call<string[]>({ doing: 'answer', timeoutMs: timeoutMs + 1_000, stage: 'source' }, (callback) =>
      this.#admin.listTopics({ timeout: timeoutMs }, callback),
    )
  }

  async #describe(names: readonly string[]) {
    if (names.length === 0) return []
    const described = await this.#call<RawTopicDescription[]>('describe topics', (callback) =>
      this.#admin.describeTopics(names, { timeout: this.#timeoutMs }, callback),
    )
    return described.flatMap(({ name, error, partitions }) => {
      if (error === undefined || error === null || error.code === 0) return [{ name, partitions }]
      if (error.code === CODE.UNKNOWN_TOPIC_OR_PARTITION) return []
      throw kafkaError(`describe topic '${name}'`, error, { stage: 'source', topic: name })
    })
  }

  /** A topic that was just created is not known everywhere, and its partitions have no leaders, for a moment. */
  async #untilWritable(topics: readonly string[]): Promise<void> {
    const until = Date.now() + this.#timeoutMs
    for (;;) {
      const described = await this.#describe(topics)
      const ready = described.filter(
        ({ partitions }) =>
          partitions !== undefined && partitions.length > 0 && partitions.every(({ leader }) => leader !== undefined && leader.id >= 0),
      )
      const missing = topics.find((topic) => !ready.some(({ name }) => name === topic))
      if (missing === undefined) return
      if (Date.now() >= until) {
        throw new MillraceError('TIMED_OUT', `Topic '${missing}' was created but is not ready after ${this.#timeoutMs} ms.`, {
          stage: 'source',
          topic: missing,
          retryable: true,
        })
      }
      await setTimeout(LOOK_MS)
    }
  }

  async #listOffsets(partitions: readonly TopicPartition[], spec: unknown, isolation: IsolationLevel): Promise<TopicPartitionOffset[]> {
    if (partitions.length === 0) return []
    const { READ_COMMITTED, READ_UNCOMMITTED } = this.#kafka.IsolationLevel
    const listed = await this.#call<RawTopicPartition[]>('look up offsets', (callback) =>
      this.#admin.listOffsets(
        partitions.map(({ topic, partition }) => ({ topic, partition, offset: spec })),
        { timeout: this.#timeoutMs, isolationLevel: isolation === 'read-committed' ? READ_COMMITTED : READ_UNCOMMITTED },
        callback,
      ),
    )
    return listed.map(({ topic, partition, offset, error }) => {
      if (error !== undefined && error !== null && error.code !== 0)
        throw kafkaError(`look up an offset of ${topic}-${partition}`, error, { stage: 'source', topic, partition })
      return { topic, partition, offset: offset ?? -1 }
    })
  }

  #call<T = void>(doing: string, start: (callback: Callback<T>) => void): Promise<T> {
    if (this.#closed) throw new MillraceError('CLOSED', 'This admin client is closed.', { stage: 'source' })
    return call({ doing, timeoutMs: this.#timeoutMs + 5_000, stage: 'source' }, start)
  }
}

function matches(pattern: RegExp, topic: string): boolean {
  pattern.lastIndex = 0
  return pattern.test(topic)
}

function codeOf(error: unknown): number | undefined {
  return ((error as MillraceError).cause as { code?: number } | undefined)?.code
}
