import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import type { OffsetCommit, WriteBatch } from '@millrace/core'
import { ClientError } from '../client/client-error.ts'
import type {
  ConsumerClient,
  DeliveryFailure,
  DeliveryReport,
  ProducerClient,
  QueuedRows,
  ReportRow,
  RowRange,
} from '../client/kafka-client.ts'
import { AdminCalls } from './admin-calls.ts'
import { answered } from './answered.ts'
import { closed } from '../errors/kafka-error.ts'
import { ConfluentConsumer } from './confluent-consumer.ts'
import { producibleHeaders } from './producible.ts'
import { ProducibleColumn } from './producible-column.ts'
import { Questions } from './questions.ts'
import type { Callback, RawError, RawModule, RawProducer } from './raw-api.ts'
import { rawOffsets } from './raw-offsets.ts'
import { toClientError } from './to-client-error.ts'
import { UnderWay } from './under-way.ts'
import { within } from './within.ts'

/** What is left of transaction.timeout.ms; with another limit the library may leave a call half done. */
const UNTIL_TRANSACTION_ENDS = -1
const TRANSACTION_MARGIN_MS = 30_000
/** Between a refusal that came at once, such as that the call before is under way still, and the next try. */
const RETRY_MS = 100

/** Of `opaque` the library hands back what it was given with the record. */
interface RawReport {
  readonly topic?: string
  readonly partition?: number
  readonly offset?: number
  readonly opaque?: ((delivered: DeliveryReport) => void) | undefined
}

export interface ConfluentProducerParts {
  readonly library: RawModule
  readonly producer: RawProducer
  readonly requestTimeoutMs: number
  readonly transactionTimeoutMs: number
}

/** Writes through the raw `Producer`. */
export class ConfluentProducer implements ProducerClient {
  readonly #producer: RawProducer
  readonly #calls: AdminCalls
  readonly #transactionTimeoutMs: number
  readonly #underWay = new UnderWay()
  readonly #questions: Questions
  readonly #keys = new ProducibleColumn()
  readonly #values = new ProducibleColumn()
  #onFailure: (failure: DeliveryFailure) => void = () => {}
  #reported = 0

  constructor({ library, producer, requestTimeoutMs, transactionTimeoutMs }: ConfluentProducerParts) {
    this.#producer = producer
    this.#questions = new Questions(this.#underWay, requestTimeoutMs)
    this.#calls = new AdminCalls({ library, client: producer, asking: this.#questions, timeoutMs: this.#questions.timeoutMs })
    this.#transactionTimeoutMs = transactionTimeoutMs + TRANSACTION_MARGIN_MS
    // Reports and logs are served by a thread of the library's instead of our event loop.
    producer.setPollInBackground(true)
    producer.on('delivery-report', (error: RawError | null, report: RawReport | undefined) => this.#onReport(error, report))
  }

  #onReport(error: RawError | null, report: RawReport | undefined): void {
    this.#reported++
    const { topic = '', partition = -1, offset = -1, opaque } = report ?? {}
    if (opaque !== undefined) opaque(error == null ? { partition, offset } : { partition, error: toClientError(error) })
    else if (error != null) this.#onFailure({ topic, partition, error: toClientError(error) })
  }

  listen(onFailure: (failure: DeliveryFailure) => void): void {
    this.#onFailure = onFailure
  }

  produce(batch: WriteBatch, from: number, to: number): number {
    const { topic, partitions } = batch
    for (let i = from; i < to; i++) {
      try {
        this.#produceRow(batch, i, undefined)
      } catch (thrown) {
        const partition = partitions === undefined ? -1 : (partitions[i] as number)
        const error = toClientError(thrown)
        if (error.kind === 'queue-full') return i
        if (error.kind !== 'record-too-large' && error.kind !== 'unknown-topic') throw error
        this.#onFailure({ topic, partition, error })
      }
    }
    return to
  }

  produceReported(batch: WriteBatch, { from, to }: RowRange, report: ReportRow): QueuedRows {
    for (let row = from; row < to; row++) {
      try {
        this.#produceRow(batch, row, (delivered) => report(row, delivered))
      } catch (thrown) {
        return { queued: row, error: toClientError(thrown) }
      }
    }
    return { queued: to }
  }

  #produceRow({ topic, keys, values, timestamps, headers, partitions }: WriteBatch, i: number, opaque: RawReport['opaque']): void {
    const partition = partitions === undefined ? -1 : (partitions[i] as number)
    const own = headers?.[i]
    // What else the library throws for can't come here: values and keys are bytes or null, never undefined, and times are numbers, never a bigint.
    this.#producer.produce(
      topic,
      partition < 0 ? -1 : partition,
      this.#values.at(values, i),
      this.#keys.at(keys, i),
      producibleTimestamp(timestamps[i] as number),
      opaque,
      own === undefined || own.length === 0 ? undefined : producibleHeaders(own),
    )
  }

  async flush(timeoutMs: number): Promise<boolean> {
    try {
      await this.#underWay.ask('flush', timeoutMs, (callback) => this.#producer.flush(timeoutMs, callback))
    } catch (error) {
      // Without an answer it may still wait for a thread.
      if (error instanceof ClientError && (error.kind === 'timed-out' || error.kind === 'no-answer')) return false
      throw error
    }
    // By now every report has been handed to the event loop, which takes a hundred of them a turn.
    let before: number
    do {
      before = this.#reported
      await nextTurn()
    } while (this.#reported > before)
    return true
  }

  /** Takes over the transactional id: ends what an earlier producer of it has left open. */
  async takeOver(timeoutMs: number): Promise<void> {
    const until = performance.now() + timeoutMs
    for (;;) {
      try {
        await this.#underWay.ask('take over the transactional id', timeoutMs, (callback) =>
          this.#producer.initTransactions(timeoutMs, callback),
        )
        return
      } catch (error) {
        if (!(error instanceof ClientError && error.kind === 'transient' && performance.now() < until)) throw error
      }
      await pause(RETRY_MS)
    }
  }

  begin(): Promise<void> {
    return this.#transaction('begin', (callback) => this.#producer.beginTransaction(callback))
  }

  async sendOffsets(offsets: readonly OffsetCommit[], consumer: ConsumerClient): Promise<void> {
    if (!(consumer instanceof ConfluentConsumer))
      throw new TypeError('Offsets of another Kafka client can take no part in this transaction.')
    if (this.#underWay.closing) throw closed('commit', 'Kafka producer')
    const sent = consumer.lend((raw) =>
      answered((callback) => this.#producer.sendOffsetsToTransaction(rawOffsets(offsets), raw, UNTIL_TRANSACTION_ENDS, callback)),
    )
    await within('send offsets', this.#transactionTimeoutMs, this.#underWay.track(sent))
  }

  commit(): Promise<void> {
    return this.#transaction('commit', (callback) => this.#producer.commitTransaction(UNTIL_TRANSACTION_ENDS, callback))
  }

  abort(timeoutMs = UNTIL_TRANSACTION_ENDS): Promise<void> {
    return this.#transaction('abort', (callback) => this.#producer.abortTransaction(timeoutMs, callback))
  }

  existing(topics: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#questions.patiently(() => this.#calls.existing(topics))
  }

  async close(): Promise<void> {
    this.#questions.end()
    await this.#underWay.close((callback) => this.#producer.disconnect(1, callback))
  }

  async #transaction(what: string, call: (callback: Callback) => void): Promise<void> {
    await this.#underWay.ask(`${what} a transaction`, this.#transactionTimeoutMs, call)
  }
}

/** For librdkafka 0 is "now" as absence is. A record of 1970 must not become one of today: a millisecond more is the nearest it can say. */
function producibleTimestamp(timestamp: number): number | undefined {
  if (timestamp > 0) return timestamp
  return timestamp === 0 ? 1 : undefined
}
