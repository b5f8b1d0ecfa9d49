import type { IsolationLevel, NewTopic, OffsetCommit, TopicPartition, TopicPartitionOffset } from '@millrace/core'
import { ClientError } from '../client/client-error.ts'
import type { TopicState } from '../client/kafka-client.ts'
import { promised } from './promised.ts'
import type { Callback, RawAdmin, RawClient, RawError, RawModule, RawTopicDescription, RawTopicPartition } from './raw-api.ts'
import { toClientError } from './to-client-error.ts'

/** Between two questions for an offset that a transaction still holds. */
const UNSTABLE_RETRY_MS = 50

/**
 * Calls of the admin API over the connections of a client that is connected. Made from a consumer where groups are asked for: with a client
 * that has no group of its own the library crashes when a group's coordinator has moved or was never looked for.
 */
export class AdminCalls {
  readonly #library: RawModule
  readonly #admin: RawAdmin
  readonly #timeoutMs: number

  constructor(library: RawModule, client: RawClient, timeoutMs: number) {
    this.#library = library
    this.#admin = library.AdminClient.createFrom(client)
    this.#timeoutMs = timeoutMs
  }

  async createTopic({ topic, partitions, replicationFactor, config }: NewTopic): Promise<void> {
    // -1: the broker's default.
    const description = {
      topic,
      num_partitions: partitions,
      replication_factor: replicationFactor ?? -1,
      ...(config !== undefined && { config }),
    }
    await this.#call(`create topic '${topic}'`, (callback) => this.#admin.createTopic(description, this.#timeoutMs, callback))
  }

  async deleteTopic(topic: string): Promise<void> {
    await this.#call(`delete topic '${topic}'`, (callback) => this.#admin.deleteTopic(topic, this.#timeoutMs, callback))
  }

  /** Asks for these topics only, in a request that never creates one. */
  async describeTopics(topics: readonly string[]): Promise<readonly TopicState[]> {
    if (topics.length === 0) return []
    const described = await this.#call('describe topics', (callback: Callback<readonly RawTopicDescription[]>) =>
      this.#admin.describeTopics(topics, { timeout: this.#timeoutMs }, callback),
    )
    const found: TopicState[] = []
    for (const { name, error, partitions } of described) {
      const failure = failureIn(error)
      if (failure?.kind === 'unknown-topic') continue
      if (failure !== undefined) throw new ClientError(`topic '${name}': ${failure.message}`, failure)
      found.push({
        topic: name,
        partitions: partitions.length,
        ready: partitions.length > 0 && partitions.every(({ leader }) => (leader?.id ?? -1) >= 0),
      })
    }
    return found
  }

  async existing(topics: readonly string[]): Promise<ReadonlySet<string>> {
    return new Set((await this.describeTopics(topics)).map(({ topic }) => topic))
  }

  async listOffsets(
    partitions: readonly TopicPartition[],
    at: 'beginning' | 'end' | number,
    isolation: IsolationLevel,
  ): Promise<readonly TopicPartitionOffset[]> {
    if (partitions.length === 0) return []
    const { OffsetSpec, IsolationLevel: level } = this.#library
    const offset = at === 'beginning' ? OffsetSpec.EARLIEST : at === 'end' ? OffsetSpec.LATEST : new OffsetSpec(at)
    const isolationLevel = isolation === 'read-committed' ? level.READ_COMMITTED : level.READ_UNCOMMITTED
    const listed = await this.#call('look up offsets', (callback: Callback<readonly RawTopicPartition[]>) =>
      this.#admin.listOffsets(
        partitions.map(({ topic, partition }) => ({ topic, partition, offset })),
        { timeout: this.#timeoutMs, isolationLevel },
        callback,
      ),
    )
    return listed.map((one) => {
      const failure = failureIn(one.error)
      if (failure !== undefined) throw new ClientError(`${one.topic}-${one.partition}: ${failure.message}`, failure)
      return { topic: one.topic, partition: one.partition, offset: one.offset ?? -1 }
    })
  }

  /** Committed offsets. With `stable`, waits until no open transaction holds one. */
  async groupOffsets(groupId: string, partitions: readonly TopicPartition[], stable: boolean): Promise<readonly OffsetCommit[]> {
    const until = performance.now() + this.#timeoutMs
    for (;;) {
      try {
        return await this.#groupOffsetsNow(groupId, partitions, stable)
      } catch (error) {
        if (!(error instanceof ClientError && error.kind === 'unstable-offset' && performance.now() < until)) throw error
      }
      await new Promise((resolve) => {
        setTimeout(resolve, UNSTABLE_RETRY_MS)
      })
    }
  }

  async #groupOffsetsNow(groupId: string, partitions: readonly TopicPartition[], stable: boolean): Promise<readonly OffsetCommit[]> {
    if (partitions.length === 0) return []
    const asked = [{ groupId, partitions: partitions.map(({ topic, partition }) => ({ topic, partition })) }]
    const options = { timeout: this.#timeoutMs, requireStableOffsets: stable }
    const [group] = await this.#call(
      `look up offsets of group '${groupId}'`,
      (callback: Callback<readonly { readonly error?: RawError; readonly partitions: readonly RawTopicPartition[] }[]>) =>
        this.#admin.listConsumerGroupOffsets(asked, options, callback),
    )
    const failure = failureIn(group?.error)
    if (failure !== undefined) throw failure
    const committed: OffsetCommit[] = []
    for (const one of group?.partitions ?? []) {
      const problem = failureIn(one.error)
      // A topic that does not exist has no offsets.
      if (problem?.kind === 'unknown-topic') continue
      if (problem !== undefined) throw new ClientError(`${one.topic}-${one.partition}: ${problem.message}`, problem)
      if (one.offset === undefined || one.offset < 0) continue
      const { topic, partition, offset, metadata } = one
      committed.push(metadata == null || metadata === '' ? { topic, partition, offset } : { topic, partition, offset, metadata })
    }
    return committed
  }

  async deleteRecords(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    if (offsets.length === 0) return
    const options = { timeout: this.#timeoutMs, operationTimeout: this.#timeoutMs }
    const deleted = await this.#call('delete records', (callback: Callback<readonly RawTopicPartition[]>) =>
      this.#admin.deleteRecords(
        offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset })),
        options,
        callback,
      ),
    )
    for (const { topic, partition, error } of deleted) {
      const failure = failureIn(error)
      if (failure !== undefined) throw new ClientError(`${topic}-${partition}: ${failure.message}`, failure)
    }
  }

  #call<T>(what: string, call: (callback: Callback<T>) => void): Promise<T> {
    return promised(what, this.#timeoutMs, call)
  }
}

/** Answers for several items hold an error for each, with code 0 where there is none. */
function failureIn(error: RawError | null | undefined): ClientError | undefined {
  return error == null || error.code === 0 ? undefined : toClientError(error)
}
