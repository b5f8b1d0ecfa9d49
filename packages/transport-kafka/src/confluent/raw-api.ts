/**
 * The part of the raw API of @confluentinc/kafka-javascript 1.10 that is used. The library's own typings miss some of it (incremental
 * assignment, `assignmentLost`, `rebalanceProtocol`, `queue_non_empty_cb`) and type callbacks as `Function`.
 */

export interface RawError {
  readonly message: string
  readonly code: number
  readonly isFatal?: boolean
  readonly isRetriable?: boolean
  readonly isTxnRequiresAbort?: boolean
}

/** Without an error, `error` is null or undefined. */
export type Callback<T = unknown> = (error: RawError | null | undefined, value: T) => void

export type Properties = Readonly<Record<string, unknown>>

export interface RawTopicPartition {
  readonly topic: string
  readonly partition: number
  /** Absent, or negative, where there is none. */
  readonly offset?: number
  readonly metadata?: string | null
  readonly error?: RawError
}

export type RawHeader = Readonly<Record<string, Uint8Array>>

export interface RawMessage {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  /** -1 where the log has none. */
  readonly timestamp: number
  readonly headers?: readonly RawHeader[]
}

export interface RawMetadata {
  readonly topics: readonly { readonly name: string; readonly partitions: readonly unknown[] }[]
}

/** An event emitter; its events are listed where they are listened to. */
export interface RawClient {
  on(event: string, listener: (...values: never[]) => void): this
  connect(options: { readonly allTopics: boolean; readonly timeout: number }, callback: Callback): void
  isConnected(): boolean
  getMetadata(options: { readonly allTopics: boolean; readonly timeout: number }, callback: Callback<RawMetadata>): void
}

export interface RawConsumer extends RawClient {
  disconnect(callback: Callback): void
  subscribe(topics: readonly string[]): void
  unsubscribe(): void
  assign(positions: readonly RawTopicPartition[]): void
  unassign(): void
  incrementalAssign(positions: readonly RawTopicPartition[]): void
  incrementalUnassign(partitions: readonly RawTopicPartition[]): void
  assignmentLost(): boolean
  rebalanceProtocol(): 'NONE' | 'EAGER' | 'COOPERATIVE'
  setDefaultConsumeTimeout(ms: number): void
  consume(count: number, callback: Callback<readonly RawMessage[]>): void
  pause(partitions: readonly RawTopicPartition[]): void
  resume(partitions: readonly RawTopicPartition[]): void
  seek(position: RawTopicPartition, timeoutMs: number, callback: Callback): void
  commit(offsets: readonly RawTopicPartition[]): void
  /** Where a partition has an error, it takes the place of its entry. */
  committed(partitions: readonly RawTopicPartition[], timeoutMs: number, callback: Callback<readonly (RawTopicPartition | Error)[]>): void
  getWatermarkOffsets(topic: string, partition: number): { readonly lowOffset: number; readonly highOffset: number }
}

export interface RawProducer extends RawClient {
  disconnect(flushTimeoutMs: number, callback: Callback): void
  setPollInBackground(on: boolean): void
  produce(
    topic: string,
    partition: number,
    value: Uint8Array | null,
    key: Uint8Array | null,
    timestamp: number | undefined,
    // What is passed here is freed by its delivery report: of producers that report failures only it would never be.
    opaque: unknown,
    headers: readonly RawHeader[] | undefined,
  ): void
  flush(timeoutMs: number, callback: Callback): void
  initTransactions(timeoutMs: number, callback: Callback): void
  beginTransaction(callback: Callback): void
  sendOffsetsToTransaction(offsets: readonly RawTopicPartition[], consumer: RawConsumer, timeoutMs: number, callback: Callback): void
  commitTransaction(timeoutMs: number, callback: Callback): void
  abortTransaction(timeoutMs: number, callback: Callback): void
}

export interface RawTopicDescription {
  readonly name: string
  readonly topicId?: { readonly base64: string }
  readonly error?: RawError
  readonly partitions: readonly { readonly partition: number; readonly leader: { readonly id: number } | null }[]
}

export interface RawGroupDescriptions {
  readonly groups: readonly {
    readonly error?: RawError
    /** A number that the library has names for. */
    readonly state: number
    readonly members: readonly {
      readonly memberId: string
      readonly clientId: string
      readonly clientHost: string
      readonly assignment: { readonly topicPartitions: readonly RawTopicPartition[] }
    }[]
  }[]
}

export interface RawNewTopic {
  readonly topic: string
  readonly num_partitions: number
  readonly replication_factor: number
  readonly config?: Readonly<Record<string, string>>
}

export interface RawAdmin {
  createTopic(topic: RawNewTopic, timeoutMs: number, callback: Callback): void
  deleteTopic(topic: string, timeoutMs: number, callback: Callback): void
  describeTopics(topics: readonly string[], options: { timeout: number }, callback: Callback<readonly RawTopicDescription[]>): void
  listOffsets(
    partitions: readonly { readonly topic: string; readonly partition: number; readonly offset: unknown }[],
    options: { timeout: number; isolationLevel: number },
    callback: Callback<readonly RawTopicPartition[]>,
  ): void
  describeGroups(groups: readonly string[], options: { timeout: number }, callback: Callback<RawGroupDescriptions>): void
  deleteRecords(
    offsets: readonly RawTopicPartition[],
    options: { timeout: number; operationTimeout: number },
    callback: Callback<readonly RawTopicPartition[]>,
  ): void
}

export interface RawOffsetSpec {
  new (timestamp: number): unknown
  readonly EARLIEST: unknown
  readonly LATEST: unknown
}

/** What the module exports. */
export interface RawModule {
  readonly KafkaConsumer: new (properties: Properties, topicProperties: Properties) => RawConsumer
  readonly Producer: new (properties: Properties, topicProperties: Properties) => RawProducer
  readonly AdminClient: { createFrom(client: RawClient): RawAdmin }
  readonly OffsetSpec: RawOffsetSpec
  readonly IsolationLevel: { readonly READ_UNCOMMITTED: number; readonly READ_COMMITTED: number }
}
