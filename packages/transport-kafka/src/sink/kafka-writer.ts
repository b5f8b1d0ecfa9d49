import { setImmediate, setTimeout } from 'node:timers/promises'
import {
  bytesAt,
  type Logger,
  MillraceError,
  type OffsetCommit,
  type RecordSource,
  type RecordWriter,
  type WriteBatch,
  type WriteFailure,
} from '@millrace/core'
import { call } from '../client/call.ts'
import { CODE, kafkaError } from '../client/kafka-errors.ts'
import type { RawError, RawProducer } from '../client/raw-client.ts'
import type { ResolvedKafkaOptions } from '../kafka-options.ts'
import { KafkaSource } from '../source/kafka-source.ts'
import { producible, producibleHeaders } from './producible.ts'

/** The client's queue is full: how long to leave it alone. */
const QUEUE_FULL_MS = 2
/** Records written before other work gets its turn. */
const TURN = 5_000
const CLOSE_MS = 10_000
/** The client's own limit for transaction calls: what is left of `transaction.timeout.ms`, as librdkafka recommends. */
const UNTIL_TRANSACTION_ENDS = -1

export interface KafkaWriterParts {
  readonly options: ResolvedKafkaOptions
  readonly producer: RawProducer
  readonly transactional: boolean
  readonly logger: Logger
}

/** Writes through one idempotent producer of the client. */
export class KafkaWriter implements RecordWriter {
  readonly #parts: KafkaWriterParts
  readonly #producer: RawProducer
  #failures: WriteFailure[] = []
  #inTransaction = false
  #closing: Promise<void> | undefined

  constructor(parts: KafkaWriterParts) {
    this.#parts = parts
    this.#producer = parts.producer
    // Callbacks come from a thread of the client's: nobody has to poll.
    this.#producer.setPollInBackground(true)
    this.#producer.on('delivery-report', (error: RawError | null, report: { topic?: string; partition?: number }) => {
      if (error === null || error === undefined) return
      const topic = report?.topic ?? ''
      const partition = report?.partition ?? -1
      this.#failures.push({
        topic,
        partition,
        error: kafkaError(`deliver a record to ${topic}-${partition}`, error, { stage: 'sink', topic, partition }),
      })
    })
  }

  async writeBatch(batch: WriteBatch): Promise<void> {
    this.#checkOpen()
    const headers = batch.headers?.map((one) => (one === undefined || one.length === 0 ? undefined : producibleHeaders(one, batch.topic)))
    for (let i = 0; i < batch.length;) {
      const until = Math.min(batch.length, i + TURN)
      i = this.#produce(batch, headers, { from: i, until })
      if (i < until) {
        await setTimeout(QUEUE_FULL_MS)
        this.#checkOpen()
      } else if (i < batch.length) await setImmediate()
    }
  }

  async flush(): Promise<readonly WriteFailure[]> {
    this.#checkOpen()
    const { requestTimeoutMs } = this.#parts.options
    await call({ doing: 'acknowledge what was written', timeoutMs: requestTimeoutMs + 5_000, stage: 'sink' }, (callback) =>
      this.#producer.flush(requestTimeoutMs, callback),
    )
    // Reports of failures come over the event loop, behind the answer of the flush.
    await setImmediate()
    await setImmediate()
    const failures = this.#failures
    this.#failures = []
    return failures
  }

  async begin(): Promise<void> {
    await this.#transaction('begin a transaction', (callback) => this.#producer.beginTransaction(callback))
    this.#inTransaction = true
  }

  async sendOffsets(offsets: readonly OffsetCommit[], source: RecordSource): Promise<void> {
    if (!(source instanceof KafkaSource)) throw new TypeError('sendOffsets needs a source of the same transport.')
    // The client crashes when it is given a consumer that is disconnected: `raw` throws before that.
    const { raw } = source
    const partitions = offsets.map(({ topic, partition, offset, metadata }) =>
      metadata === undefined ? { topic, partition, offset } : { topic, partition, offset, metadata },
    )
    await this.#transaction('add offsets to a transaction', (callback) =>
      this.#producer.sendOffsetsToTransaction(partitions, raw, UNTIL_TRANSACTION_ENDS, callback),
    )
  }

  async commit(): Promise<void> {
    await this.#transaction('commit a transaction', (callback) => this.#producer.commitTransaction(UNTIL_TRANSACTION_ENDS, callback))
    this.#inTransaction = false
  }

  async abort(): Promise<void> {
    await this.#transaction('abort a transaction', (callback) => this.#producer.abortTransaction(UNTIL_TRANSACTION_ENDS, callback))
    this.#inTransaction = false
    this.#failures = []
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    try {
      if (this.#inTransaction) {
        await call({ doing: 'abort a transaction', timeoutMs: CLOSE_MS, stage: 'sink' }, (callback) =>
          this.#producer.abortTransaction(UNTIL_TRANSACTION_ENDS, callback),
        )
      }
    } catch (error) {
      this.#parts.logger.warn({ err: error }, 'kafka: the open transaction could not be aborted; the broker will do it when it times out')
    }
    // Disconnecting flushes first, for as long as it is given.
    await call<unknown>({ doing: 'disconnect a producer', timeoutMs: CLOSE_MS + 5_000, stage: 'sink' }, (callback) =>
      this.#producer.disconnect(CLOSE_MS, callback),
    ).catch((error: unknown) => this.#parts.logger.warn({ err: error }, 'kafka: a producer failed to disconnect'))
  }

  /** Queues records until the client's queue is full; returns how far it came. */
  #produce(
    { topic, keys, values, timestamps, partitions }: WriteBatch,
    headers: readonly (readonly Readonly<Record<string, Uint8Array>>[] | undefined)[] | undefined,
    { from, until }: { readonly from: number; readonly until: number },
  ): number {
    for (let i = from; i < until; i++) {
      const partition = partitions?.[i] ?? -1
      try {
        this.#producer.produce(
          topic,
          partition < 0 ? null : partition,
          producible(bytesAt(values, i)),
          producible(bytesAt(keys, i)),
          timestamps[i] as number,
          undefined,
          headers?.[i],
        )
      } catch (error) {
        const { code } = error as RawError
        if (code === CODE.QUEUE_FULL) return i
        const failure = kafkaError(`take a record for topic '${topic}'`, error, {
          stage: 'sink',
          topic,
          partition: partition < 0 ? undefined : partition,
        })
        // A record that is too large is that record's failure, like one that the broker refuses.
        if (code !== CODE.MSG_SIZE_TOO_LARGE) throw failure
        this.#failures.push({ topic, partition, error: failure })
      }
    }
    return until
  }

  #transaction(doing: string, start: (callback: (error: RawError | null | undefined) => void) => void): Promise<void> {
    this.#checkOpen()
    if (!this.#parts.transactional) throw new TypeError('This writer has no transactionalId: it has no transactions.')
    return call({ doing, timeoutMs: this.#parts.options.requestTimeoutMs + 30_000, stage: 'commit' }, start)
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new MillraceError('CLOSED', 'This writer is closed.', { stage: 'sink' })
  }
}
