import type { GroupDescription, IsolationLevel, NewTopic, TopicPartition, TopicPartitionOffset } from '@millrace/core'
import { setTimeout as sleep } from 'node:timers/promises'
import { ClientError } from '../client/client-error.ts'
import type { TopicState } from '../client/kafka-client.ts'
import { listTopics } from './list-topics.ts'
import type {
  Callback,
  RawAdmin,
  RawClient,
  RawGroupDescriptions,
  RawError,
  RawModule,
  RawTopicDescription,
  RawTopicPartition,
} from './raw-api.ts'
import { toClientError } from './to-client-error.ts'
import type { Asking } from './under-way.ts'

/** Between two calls to leaders that change. */
const LEADER_RETRY_MS = 100
/** None of the partitions asked for has a leader, as far as the library knows. */
const NO_LEADERS = -156
/** What the library gives for a partition about which it was told nothing in time, without an error: it is no offset. */
const NO_OFFSET = -1001
/** What old brokers say, which give topics no ids. */
const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

/** By the library's numbers. */
const GROUP_STATES = ['Unknown', 'PreparingRebalance', 'CompletingRebalance', 'Stable', 'Dead', 'Empty'] as const

export interface AdminCallsParts {
  readonly library: RawModule
  readonly client: RawClient
  readonly asking: Asking
  readonly timeoutMs: number
}

const UNTOLD = new ClientError('the broker told no offset', { kind: 'transient', code: 0 })

/** Calls of the admin API, over the connections of a client that is connected. */
export class AdminCalls {
  readonly #library: RawModule
  readonly #client: RawClient
  readonly #admin: RawAdmin
  readonly #asking: Asking
  readonly #timeoutMs: number

  constructor({ library, client, asking, timeoutMs }: AdminCallsParts) {
    this.#library = library
    this.#client = client
    this.#admin = library.AdminClient.createFrom(client)
    this.#asking = asking
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
    for (const { name, topicId, error, partitions } of described) {
      const failure = failureIn(error)
      if (failure?.kind === 'unknown-topic') continue
      if (failure !== undefined) throw new ClientError(`topic '${name}': ${failure.message}`, failure)
      found.push({
        topic: name,
        id: topicId?.base64 === NO_ID ? undefined : topicId?.base64,
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
    const listed = await this.#withLeaders('look up offsets', partitions, (callback) =>
      this.#admin.listOffsets(
        partitions.map(({ topic, partition }) => ({ topic, partition, offset })),
        { timeout: this.#timeoutMs, isolationLevel },
        callback,
      ),
    )
    return listed.map((one) => ({ topic: one.topic, partition: one.partition, offset: one.offset ?? -1 }))
  }

  /** A broker that coordinates no group yet, or no more, answers with an error that passes. */
  async describeGroup(groupId: string): Promise<GroupDescription> {
    const { groups } = await this.#call(`describe group '${groupId}'`, (callback: Callback<RawGroupDescriptions>) =>
      this.#admin.describeGroups([groupId], { timeout: this.#timeoutMs }, callback),
    )
    const [group] = groups
    const failure = failureIn(group?.error)
    if (failure !== undefined) throw new ClientError(`group '${groupId}': ${failure.message}`, failure)
    const members = (group?.members ?? []).map(({ memberId, clientId, clientHost, assignment }) => ({
      memberId,
      clientId,
      host: clientHost,
      assigned: assignment.topicPartitions.map(({ topic, partition }) => ({ topic, partition })),
    }))
    return { groupId, state: GROUP_STATES[group?.state ?? 0] ?? 'Unknown', members }
  }

  async deleteRecords(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    if (offsets.length === 0) return
    const options = { timeout: this.#timeoutMs, operationTimeout: this.#timeoutMs }
    await this.#withLeaders('delete records', offsets, (callback) =>
      this.#admin.deleteRecords(
        offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset })),
        options,
        callback,
      ),
    )
  }

  /**
   * A call to the leaders of partitions. Where a leader has changed, or only restarted, or a topic has more partitions than before, the library
   * answers from what it remembers, with an error that it would give for ever: it has to be made to ask again.
   */
  async #withLeaders(
    what: string,
    partitions: readonly TopicPartition[],
    call: (callback: Callback<readonly RawTopicPartition[]>) => void,
  ): Promise<readonly RawTopicPartition[]> {
    const until = performance.now() + this.#timeoutMs
    for (;;) {
      const { answers, failure } = await this.#answers(what, call)
      if (failure === undefined) return answers
      const checked = failure.code === NO_LEADERS || failure.kind === 'unknown-topic' ? await this.#unknown(partitions, failure) : failure
      if (checked.kind !== 'transient' || performance.now() >= until) throw checked
      await listTopics(this.#client, this.#timeoutMs, this.#asking)
      await sleep(LEADER_RETRY_MS)
    }
  }

  async #answers(
    what: string,
    call: (callback: Callback<readonly RawTopicPartition[]>) => void,
  ): Promise<{ readonly answers: readonly RawTopicPartition[]; readonly failure: ClientError | undefined }> {
    try {
      const answers = await this.#call(what, call)
      for (const { topic, partition, offset, error } of answers) {
        const failure = offset === NO_OFFSET ? (failureIn(error) ?? UNTOLD) : failureIn(error)
        if (failure !== undefined) return { answers, failure: new ClientError(`${topic}-${partition}: ${failure.message}`, failure) }
      }
      return { answers, failure: undefined }
    } catch (error) {
      if (error instanceof ClientError && error.code === NO_LEADERS) return { answers: [], failure: error }
      throw error
    }
  }

  /** Whether a partition that the library does not know is really not there, or will be known soon. */
  async #unknown(partitions: readonly TopicPartition[], { code }: ClientError): Promise<ClientError> {
    const topics = await this.describeTopics([...new Set(partitions.map(({ topic }) => topic))])
    const counts = new Map(topics.map(({ topic, partitions: count }) => [topic, count]))
    const missing = partitions.find(({ topic, partition }) => partition >= (counts.get(topic) ?? 0))
    if (missing !== undefined) return new ClientError(`there is no ${missing.topic}-${missing.partition}`, { kind: 'unknown-topic', code })
    return new ClientError('not all partitions have a leader', { kind: 'transient', code })
  }

  #call<T>(what: string, call: (callback: Callback<T>) => void): Promise<T> {
    return this.#asking.ask(what, this.#timeoutMs, call)
  }
}

/** Answers for several items hold an error for each, with code 0 where there is none. */
function failureIn(error: RawError | null | undefined): ClientError | undefined {
  return error == null || error.code === 0 ? undefined : toClientError(error)
}
