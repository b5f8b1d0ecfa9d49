import { setTimeout as sleep } from 'node:timers/promises'
import { MillraceError, type OffsetCommit, type RecordSourceOptions, type TopicPartition, type TopicPartitionOffset } from '@millrace/core'
import { ClientError } from '../client/client-error.ts'
import type { ConsumerClient, ConsumerEvents, Fetched, OffsetRange } from '../client/kafka-client.ts'
import { AdminCalls } from './admin-calls.ts'
import { answered } from './answered.ts'
import { committedOffsets } from './committed-offsets.ts'
import type { ConsumerCallbacks } from './consumer-callbacks.ts'
import { listTopics } from './list-topics.ts'
import { messageBatches } from './message-batches.ts'
import { PausedPartitions } from './paused-partitions.ts'
import { Questions } from './questions.ts'
import type { Callback, RawConsumer, RawMessage, RawMetadata, RawModule } from './raw-api.ts'
import { rawOffsets } from './raw-offsets.ts'
import { UnderWay } from './under-way.ts'

/** The library takes less than 10 as 0, which crashes it. */
const SEEK_TIMEOUT_MS = 1_000
/** A partition that was just assigned can't be sought before its fetching has begun. */
const SEEK_RETRY_MS = 10
/** How long a member that leaves waits until it is one. */
const JOIN_TIMEOUT_MS = 15_000
const JOIN_RETRY_MS = 50
/** How long it waits for a broker that it could leave. */
const THERE_MS = 3_000
/** Of which no offset is committed, nor about to be. */
const NOBODYS_PARTITION = 1_000_000
const NOTHING: Fetched = Object.freeze({ batches: Object.freeze([]), ends: Object.freeze([]), records: 0 })

export interface ConfluentConsumerParts {
  readonly library: RawModule
  readonly consumer: RawConsumer
  readonly callbacks: ConsumerCallbacks
  readonly source: RecordSourceOptions
  readonly requestTimeoutMs: number
}

/** Reads through the raw `KafkaConsumer`. */
export class ConfluentConsumer implements ConsumerClient {
  readonly placesStandbys = false
  readonly tellsOnlyInFetch = true
  readonly #consumer: RawConsumer
  readonly #callbacks: ConsumerCallbacks
  readonly #source: RecordSourceOptions
  readonly #calls: AdminCalls
  readonly #requestTimeoutMs: number
  readonly #paused: PausedPartitions
  readonly #underWay = new UnderWay()
  readonly #questions: Questions
  #topics: readonly string[] = []
  #ends: TopicPartitionOffset[] = []
  #closed = false

  constructor({ library, consumer, callbacks, source, requestTimeoutMs }: ConfluentConsumerParts) {
    this.#consumer = consumer
    this.#callbacks = callbacks
    callbacks.attach(consumer)
    this.#paused = new PausedPartitions(consumer)
    this.#source = source
    this.#questions = new Questions(this.#underWay, requestTimeoutMs)
    this.#calls = new AdminCalls({ library, client: consumer, asking: this.#questions, timeoutMs: this.#questions.timeoutMs })
    this.#requestTimeoutMs = requestTimeoutMs
    // Drain what is there and never wait: a consume that waits blocks one of libuv's few threads, and waits anew for each message.
    consumer.setDefaultConsumeTimeout(0)
    consumer.on('partition.eof', ({ topic, partition, offset }: TopicPartitionOffset) => {
      this.#ends.push({ topic, partition, offset })
    })
  }

  listen(events: ConsumerEvents): void {
    this.#callbacks.listen(events)
  }

  async fetch(maxRecords: number): Promise<Fetched> {
    if (this.#closed) return NOTHING
    const messages = await this.#underWay.track(
      // It drains a queue and waits for nothing. There is no limit of ours: the records of an answer that nobody waits for any more would be lost, and a
      // second consume beside the first might overtake it. Never the flowing mode, whose buffer knows no bounds.
      answered((callback: Callback<readonly RawMessage[]>) => this.#consumer.consume(maxRecords, callback)),
    )
    const ends = this.#ends
    if (messages.length === 0 && ends.length === 0) return NOTHING
    this.#ends = []
    return { batches: messageBatches(messages, this.#endOffset), ends, records: messages.length }
  }

  /** The end as the last fetch told it. For a reader of committed records that is too far: it counts open transactions. */
  readonly #endOffset = (topic: string, partition: number): number | undefined => {
    if (this.#source.isolation === 'read-committed' || this.#closed) return undefined
    try {
      const { highOffset } = this.#consumer.getWatermarkOffsets(topic, partition)
      return highOffset >= 0 ? highOffset : undefined
    } catch {
      // Not assigned any more.
      return undefined
    }
  }

  subscribe(topics: readonly string[]): void {
    this.#topics = topics
    this.#consumer.subscribe(topics)
  }

  async unsubscribe(): Promise<void> {
    await this.#joined()
    this.#consumer.unsubscribe()
  }

  /**
   * While the group has not answered a request to join, the library takes itself for no member: it would not leave, and the broker would keep a
   * member that is none for as long as a session lasts. A question to the coordinator is answered behind that request.
   */
  async #joined(): Promise<void> {
    const [topic] = this.#topics
    const until = performance.now() + JOIN_TIMEOUT_MS
    while (topic !== undefined && this.#callbacks.joining && performance.now() < until) {
      try {
        await this.#underWay.ask('look for brokers', THERE_MS, (callback: Callback<RawMetadata>) =>
          this.#consumer.getMetadata({ allTopics: false, timeout: THERE_MS }, callback),
        )
        await this.committed([{ topic, partition: 0 }], JOIN_TIMEOUT_MS)
      } catch (error) {
        if (nobodyThere(error)) return
        // A coordinator that is just being found, or has just become one, says so.
        await sleep(JOIN_RETRY_MS)
        continue
      }
      // Joining takes one request; the others' takes three, and ends with partitions, be it none.
      if (this.#callbacks.nature.consumerProtocol) return
    }
  }

  /**
   * The library leaves a group when what was revoked has stopped, and not at all if it is disconnected before: the broker would keep the member, and
   * its partitions from the others, for as long as a session lasts. Of two questions to the coordinator the first is asked about when that stops, and
   * the second is answered behind the request to leave.
   */
  async #left(): Promise<void> {
    const [topic] = this.#topics
    if (topic === undefined || this.#closed) return
    try {
      for (let question = 0; question < 2; question++) await this.committed([{ topic, partition: NOBODYS_PARTITION }], THERE_MS)
    } catch {
      // Who can't ask can't leave either.
    }
  }

  assign(positions: readonly TopicPartitionOffset[]): void {
    this.#paused.forget(positions)
    this.#consumer.assign(positions)
  }

  /** An empty change must be answered as any other. */
  completeAssign(positions: readonly TopicPartitionOffset[]): void {
    this.#paused.forget(positions)
    if (this.#cooperative) this.#consumer.incrementalAssign(positions)
    else this.#consumer.assign(positions)
  }

  completeRevoke(partitions: readonly TopicPartition[]): void {
    if (this.#cooperative) this.#consumer.incrementalUnassign(partitions)
    else this.#consumer.unassign()
  }

  get #cooperative(): boolean {
    return this.#consumer.rebalanceProtocol() === 'COOPERATIVE'
  }

  restart(position: TopicPartitionOffset, all: readonly TopicPartitionOffset[]): void {
    if (!this.#cooperative) {
      this.#paused.forget(all)
      this.#consumer.assign(all)
      return
    }
    this.#paused.forget([position])
    this.#consumer.incrementalUnassign([position])
    this.#consumer.incrementalAssign([position])
  }

  async seek(position: TopicPartitionOffset): Promise<void> {
    const until = performance.now() + this.#requestTimeoutMs
    for (;;) {
      try {
        await this.#underWay.ask(`seek in ${position.topic}-${position.partition}`, SEEK_TIMEOUT_MS, (callback) =>
          this.#consumer.seek(position, SEEK_TIMEOUT_MS, callback),
        )
        return
      } catch (error) {
        const mayPass =
          error instanceof ClientError && (error.kind === 'not-fetching' || error.kind === 'transient' || error.kind === 'timed-out')
        if (!mayPass || performance.now() >= until || this.#questions.ended) throw error
      }
      await sleep(SEEK_RETRY_MS)
    }
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#paused.pause(partitions)
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#paused.resume(partitions)
  }

  /** `commitCb` would report success as soon as the request is queued; only the commit event knows. */
  commit(offsets: readonly OffsetCommit[]): void {
    this.#consumer.commit(rawOffsets(offsets))
  }

  /** Waits for transactions only where it reads committed records: who reads the others takes the last offset that is certain. */
  committed(partitions: readonly TopicPartition[], timeoutMs = this.#requestTimeoutMs): Promise<readonly OffsetCommit[]> {
    return committedOffsets({ consumer: this.#consumer, underWay: this.#underWay }, partitions, timeoutMs)
  }

  async offsetRanges(partitions: readonly TopicPartition[]): Promise<readonly OffsetRange[]> {
    const from = await this.#questions.patiently(() => this.#calls.listOffsets(partitions, 'beginning', 'read-uncommitted'))
    const to = await this.#questions.patiently(() => this.#calls.listOffsets(partitions, 'end', 'read-uncommitted'))
    return from.map(({ topic, partition, offset }) => ({
      topic,
      partition,
      from: offset,
      to: to.find((one) => one.partition === partition && one.topic === topic)?.offset ?? Infinity,
    }))
  }

  listTopics(): Promise<readonly string[]> {
    return this.#questions.patiently(() => listTopics(this.#consumer, this.#questions.timeoutMs, this.#questions))
  }

  existing(topics: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#questions.patiently(() => this.#calls.existing(topics))
  }

  /** For a producer's transaction. The library crashes when this consumer is disconnected beneath it, so closing waits for `use`, which must end no sooner. */
  lend<T>(use: (consumer: RawConsumer) => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new MillraceError('CLOSED', 'The source has been closed.', { stage: 'commit' }))
    return this.#underWay.track(use(this.#consumer))
  }

  endQuestions(): void {
    this.#questions.end()
  }

  async close(): Promise<void> {
    await this.#left()
    this.#closed = true
    this.endQuestions()
    this.#callbacks.close()
    await this.#underWay.close((callback) => this.#consumer.disconnect(callback))
  }
}

/** Whether an error says that there is no broker whose group could be left. */
function nobodyThere(error: unknown): boolean {
  return error instanceof ClientError && ['timed-out', 'no-answer', 'unreachable', 'authentication'].includes(error.kind)
}
