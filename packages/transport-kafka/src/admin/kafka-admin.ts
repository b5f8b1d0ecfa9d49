import type {
  GroupDescription,
  IsolationLevel,
  Logger,
  NewTopic,
  OffsetCommit,
  TopicDescription,
  TopicPartition,
  TopicPartitionOffset,
  TopicSettings,
  TransportAdmin,
} from '@millrace/core'
import { MillraceError, partitionKey } from '@millrace/core'
import { ClientError, type ClientErrorKind } from '../client/client-error.ts'
import type { AdminClient, KafkaClient } from '../client/kafka-client.ts'
import { closed, kafkaError } from '../errors/kafka-error.ts'
import { commitForGroup } from './commit-for-group.ts'

export interface KafkaAdminParts {
  readonly logger: Logger
  readonly requestTimeoutMs: number
  /** Reads the settings of topics that exist, which the client can't. Rejects with a {@link ClientError} when no broker answers. */
  readonly readSettings: (topics: readonly string[]) => Promise<TopicSettings>
  /** Puts members out of a group, by default all, which the client can't either. */
  readonly removeMembers: (groupId: string, memberIds?: readonly string[]) => Promise<void>
}

/** Between two looks at topics that are being made. */
const LOOK_MS = 50

/** Topics and offsets; see {@link TransportAdmin}. */
export class KafkaAdmin implements TransportAdmin {
  readonly #client: AdminClient
  readonly #kafka: KafkaClient
  readonly #parts: KafkaAdminParts
  #closing: Promise<void> | undefined

  static async open(kafka: KafkaClient, parts: KafkaAdminParts): Promise<KafkaAdmin> {
    return new KafkaAdmin(await kafka.openAdmin(parts.logger), kafka, parts)
  }

  private constructor(client: AdminClient, kafka: KafkaClient, parts: KafkaAdminParts) {
    this.#client = client
    this.#kafka = kafka
    this.#parts = parts
  }

  async createTopics(topics: readonly NewTopic[]): Promise<void> {
    for (const topic of topics) {
      await this.#unless('topic-exists', `create topic '${topic.topic}'`, () => this.#client.createTopic(topic))
    }
    await this.#untilReady(topics.map(({ topic }) => topic))
  }

  /** A topic just made has no leaders yet, and not every broker knows it. */
  async #untilReady(topics: readonly string[]): Promise<void> {
    const until = performance.now() + this.#parts.requestTimeoutMs
    let waiting = topics
    for (;;) {
      const states = await this.#call('describe topics', () => this.#client.describeTopics(waiting))
      const ready = new Set(states.filter((state) => state.ready).map(({ topic }) => topic))
      waiting = waiting.filter((topic) => !ready.has(topic))
      const [first] = waiting
      if (first === undefined) return
      if (performance.now() > until) {
        const message = `Topic '${first}' was created, and after ${this.#parts.requestTimeoutMs} ms not all of its partitions have a leader.`
        throw new MillraceError('TIMED_OUT', message, { stage: 'source', topic: first, retryable: true })
      }
      await new Promise((resolve) => {
        setTimeout(resolve, LOOK_MS)
      })
    }
  }

  async deleteTopics(topics: readonly string[]): Promise<void> {
    for (const topic of topics) await this.#unless('unknown-topic', `delete topic '${topic}'`, () => this.#client.deleteTopic(topic))
  }

  async describeTopics(topics: readonly (string | RegExp)[]): Promise<readonly TopicDescription[]> {
    const names = new Set(topics.filter((topic) => typeof topic === 'string'))
    const patterns = topics.filter((topic) => topic instanceof RegExp)
    if (patterns.length > 0) {
      for (const topic of await this.#call('list topics', () => this.#client.listTopics())) {
        if (!topic.startsWith('__') && patterns.some((pattern) => matches(pattern, topic))) names.add(topic)
      }
    }
    const states = await this.#call('describe topics', () => this.#client.describeTopics([...names]))
    return states.map(({ topic, id, partitions }) => ({ topic, id, partitions }))
  }

  async topicSettings(topics: readonly string[]): Promise<TopicSettings> {
    // Those that exist: one that does not would spoil the answer for all.
    const existing = (await this.describeTopics(topics)).map(({ topic }) => topic)
    if (existing.length === 0) return { byTopic: new Map() }
    return this.#call('read settings of topics', () => this.#parts.readSettings(existing))
  }

  beginningOffsets(partitions: readonly TopicPartition[]): Promise<readonly TopicPartitionOffset[]> {
    return this.#listOffsets(partitions, 'beginning', 'read-uncommitted')
  }

  endOffsets(partitions: readonly TopicPartition[], isolation: IsolationLevel): Promise<readonly TopicPartitionOffset[]> {
    return this.#listOffsets(partitions, 'end', isolation)
  }

  async offsetsForTimes(partitions: readonly TopicPartition[], timestampMs: number): Promise<readonly TopicPartitionOffset[]> {
    const found = await this.#listOffsets(partitions, timestampMs, 'read-uncommitted')
    const without = found.filter(({ offset }) => offset < 0)
    if (without.length === 0) return found
    const ends = byPartition(await this.endOffsets(without, 'read-uncommitted'))
    return found.map((at) => ends.get(partitionKey(at.topic, at.partition)) ?? at)
  }

  async #listOffsets(
    partitions: readonly TopicPartition[],
    at: 'beginning' | 'end' | number,
    isolation: IsolationLevel,
  ): Promise<readonly TopicPartitionOffset[]> {
    const listed = byPartition(await this.#call('look up offsets', () => this.#client.listOffsets(partitions, at, isolation)))
    // In the order asked for.
    return partitions.map(({ topic, partition }) => {
      const found = listed.get(partitionKey(topic, partition))
      if (found === undefined)
        throw new MillraceError('KAFKA_ERROR', `Kafka gave no offset for ${topic}-${partition}.`, { stage: 'source', topic, partition })
      return found
    })
  }

  committedOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<readonly OffsetCommit[]> {
    return this.#call(`look up offsets of group '${groupId}'`, () => this.#client.groupOffsets(groupId, partitions))
  }

  describeGroup(groupId: string): Promise<GroupDescription> {
    return this.#call(`describe group '${groupId}'`, () => this.#client.describeGroup(groupId))
  }

  async commitOffsets(groupId: string, offsets: readonly OffsetCommit[]): Promise<void> {
    if (this.#closing !== undefined) throw closed('commit', 'admin client')
    if (offsets.length > 0) await commitForGroup(this.#kafka, { groupId, offsets, ...this.#parts })
  }

  async removeMembers(groupId: string, clientId?: string): Promise<void> {
    let memberIds: readonly string[] | undefined
    if (clientId !== undefined) {
      const { members } = await this.describeGroup(groupId)
      memberIds = members.flatMap((member) => (member.clientId === clientId ? [member.memberId] : []))
      if (memberIds.length === 0) return
    }
    await this.#call(`remove members of group '${groupId}'`, () => this.#parts.removeMembers(groupId, memberIds))
  }

  deleteRecords(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    return this.#call('delete records', () => this.#client.deleteRecords(offsets))
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    try {
      await this.#client.close()
    } catch (error) {
      this.#parts.logger.warn({ err: error }, 'A Kafka admin client did not disconnect in time')
    }
  }

  async #unless(fine: ClientErrorKind, doing: string, call: () => Promise<void>): Promise<void> {
    await this.#call(doing, async () => {
      try {
        await call()
      } catch (error) {
        if (!(error instanceof ClientError && error.kind === fine)) throw error
      }
    })
  }

  async #call<T>(doing: string, call: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw closed('source', 'admin client')
    try {
      return await call()
    } catch (error) {
      throw kafkaError(doing, error, { stage: 'source' })
    }
  }
}

function byPartition(offsets: readonly TopicPartitionOffset[]): ReadonlyMap<string, TopicPartitionOffset> {
  return new Map(offsets.map((at) => [partitionKey(at.topic, at.partition), at]))
}

function matches(pattern: RegExp, topic: string): boolean {
  // A global or sticky pattern carries state from one test to the next.
  pattern.lastIndex = 0
  return pattern.test(topic)
}
