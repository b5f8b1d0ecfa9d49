/**
 * The part of the Kafka client that is used: the raw API of @confluentinc/kafka-javascript, whose own typings miss some of it. Another client
 * can stand behind these interfaces.
 */
export interface RawError {
  readonly code: number
  readonly message: string
  readonly isFatal?: boolean
  readonly isRetriable?: boolean
  readonly isTxnRequiresAbort?: boolean
}

/** Errors come as `null` or `undefined` when there is none. */
export type Callback<T = void> = (error: RawError | null | undefined, value: T) => void

export interface RawTopicPartition {
  readonly topic: string
  readonly partition: number
  /** Absent where there is none. */
  readonly offset?: number
  readonly metadata?: string
  readonly error?: RawError
}

export interface RawMessage {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** -1: the log has none. */
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers?: readonly Readonly<Record<string, Uint8Array>>[]
}

interface RawClient {
  connect(options: { allTopics?: boolean; timeout?: number } | null, callback: Callback<unknown>): void
  isConnected(): boolean
  on(event: string, listener: (...parameters: never[]) => void): unknown
}

export interface RawConsumer extends RawClient {
  disconnect(callback: Callback<unknown>): void
  subscribe(topics: readonly string[]): void
  unsubscribe(): void
  assign(partitions: readonly RawTopicPartition[]): void
  unassign(): void
  incrementalAssign(partitions: readonly RawTopicPartition[]): void
  incrementalUnassign(partitions: readonly RawTopicPartition[]): void
  assignmentLost(): boolean
  rebalanceProtocol(): 'NONE' | 'EAGER' | 'COOPERATIVE'
  consume(count: number, callback: Callback<RawMessage[]>): void
  setDefaultConsumeTimeout(ms: number): void
  pause(partitions: readonly RawTopicPartition[]): void
  resume(partitions: readonly RawTopicPartition[]): void
  seek(position: RawTopicPartition, timeoutMs: number, callback: Callback): void
  commit(offsets: readonly RawTopicPartition[]): void
  committed(partitions: readonly RawTopicPartition[], timeoutMs: number, callback: Callback<(RawTopicPartition | RawError)[]>): void
  getWatermarkOffsets(topic: string, partition: number): { lowOffset: number; highOffset: number }
}

export interface RawProducer extends RawClient {
  disconnect(timeoutMs: number, callback: Callback<unknown>): void
  setPollInBackground(enabled: boolean): void
  produce(
    topic: string,
    partition: number | null,
    value: Uint8Array | null,
    key: Uint8Array | null,
    timestamp: number,
    opaque: undefined,
    headers: readonly Readonly<Record<string, Uint8Array>>[] | undefined,
  ): unknown
  flush(timeoutMs: number, callback: Callback): void
  initTransactions(timeoutMs: number, callback: Callback): void
  beginTransaction(callback: Callback): void
  sendOffsetsToTransaction(offsets: readonly RawTopicPartition[], consumer: RawConsumer, timeoutMs: number, callback: Callback): void
  commitTransaction(timeoutMs: number, callback: Callback): void
  abortTransaction(timeoutMs: number, callback: Callback): void
}

export interface RawTopicDescription {
  readonly name: string
  readonly error?: RawError
  readonly partitions?: readonly { readonly partition: number; readonly leader?: { readonly id: number } }[]
}

export interface RawGroupOffsets {
  readonly groupId: string
  readonly error?: RawError
  readonly partitions: readonly RawTopicPartition[]
}

export interface RawAdmin {
  disconnect(): void
  createTopic(
    topic: { topic: string; num_partitions: number; replication_factor: number; config?: Readonly<Record<string, string>> },
    timeoutMs: number,
    callback: Callback,
  ): void
  deleteTopic(topic: string, timeoutMs: number, callback: Callback): void
  listTopics(options: { timeout: number }, callback: Callback<string[]>): void
  describeTopics(topics: readonly string[], options: { timeout: number }, callback: Callback<RawTopicDescription[]>): void
  listOffsets(
    partitions: readonly { topic: string; partition: number; offset: unknown }[],
    options: { timeout: number; isolationLevel: number },
    callback: Callback<RawTopicPartition[]>,
  ): void
  listConsumerGroupOffsets(
    groups: readonly { groupId: string; partitions: readonly { topic: string; partition: number }[] }[],
    options: { timeout: number; requireStableOffsets: boolean },
    callback: Callback<RawGroupOffsets[]>,
  ): void
  deleteRecords(
    offsets: readonly { topic: string; partition: number; offset: number }[],
    options: { timeout: number; operationTimeout: number },
    callback: Callback<RawTopicPartition[]>,
  ): void
}

type Configuration = Readonly<Record<string, unknown>>

/** The module. */
export interface RawKafka {
  readonly KafkaConsumer: new (configuration: Configuration, topicConfiguration: Configuration) => RawConsumer
  readonly Producer: new (configuration: Configuration, topicConfiguration: Configuration) => RawProducer
  readonly AdminClient: {
    create(configuration: Configuration, handlers: Readonly<Record<string, (...parameters: never[]) => void>>): RawAdmin
  }
  readonly IsolationLevel: { readonly READ_UNCOMMITTED: number; readonly READ_COMMITTED: number }
  readonly OffsetSpec: (new (timestamp: number) => unknown) & { readonly EARLIEST: unknown; readonly LATEST: unknown }
}
