import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import {
  type Delivery,
  type Logger,
  MillraceError,
  type OffsetCommit,
  partitionKey,
  type RecordSource,
  type RecordWriter,
  type RecordWriterOptions,
  type WriteBatch,
  type WriteFailure,
} from '@millrace/core'
import { ClientError, type ClientErrorKind } from '../client/client-error.ts'
import type { DeliveryFailure, KafkaClient, ProducerClient } from '../client/kafka-client.ts'
import { closed, kafkaError, undelivered, unknownTopic } from '../errors/kafka-error.ts'
import { KafkaSource } from '../source/kafka-source.ts'
import { checkAllHeaders } from './check-headers.ts'
import { ReportedSend } from './reported-send.ts'

/** Records queued before timers and sockets get their turn. */
const TURN = 10_000
/** Between two tries while the client's queue is full. */
const FULL_MS = 2
/** One flush of the client, after which another follows: it occupies a thread that others need. */
const FLUSH_MS = 2_000
/** Past the time after which the client gives a record up by itself. */
const DELIVERY_MARGIN_MS = 30_000
/** What closing waits for the delivery of what was accepted. */
const CLOSE_FLUSH_MS = 30_000
/** What closing waits for a broker to abort the open transaction, which it does by itself later. */
const CLOSE_ABORT_MS = 10_000
/** A topic that was made a moment ago is not known to every broker. */
const UNKNOWN_TOPIC_PATIENCE_MS = 2_000
const UNKNOWN_TOPIC_RETRY_MS = 100
/** Failures told by one flush: more of the same say nothing more. */
const MAX_FAILURES = 1_000

/** Of calls in a transaction: it has failed. A wrong state is that of one, and a client may tell what was refused before. */
const OF_A_TRANSACTION: ReadonlySet<ClientErrorKind> = new Set(['abortable', 'not-fetching', 'record-too-large'])

export interface KafkaWriterParts {
  readonly options: RecordWriterOptions
  readonly logger: Logger
  /** When the client gives up a record that it can't deliver. */
  readonly deliveryTimeoutMs: number
}

/** Writes to Kafka; see {@link RecordWriter}. */
export class KafkaWriter implements RecordWriter {
  readonly #producer: ProducerClient
  readonly #options: RecordWriterOptions
  readonly #logger: Logger
  readonly #giveUpMs: number
  readonly #knownTopics = new Set<string>()
  /** Batches whose fate is not known yet. */
  readonly #sends = new Set<ReportedSend>()
  #failures: DeliveryFailure[] = []
  #inTransaction = false
  /** Why the open transaction can't be committed. */
  #doomed: Error | undefined
  /** Why nothing works any more. */
  #dead: Error | undefined
  #closing: Promise<void> | undefined

  static async open(kafka: KafkaClient, parts: KafkaWriterParts): Promise<KafkaWriter> {
    const { options, logger } = parts
    try {
      return new KafkaWriter(await kafka.openProducer(options, logger), parts)
    } catch (error) {
      const whose = options.transactionalId === undefined ? '' : ` of transactional id '${options.transactionalId}'`
      throw kafkaError(`open a writer${whose}`, error, { stage: 'sink' })
    }
  }

  private constructor(producer: ProducerClient, { options, logger, deliveryTimeoutMs }: KafkaWriterParts) {
    this.#producer = producer
    this.#options = options
    this.#logger = logger
    this.#giveUpMs = deliveryTimeoutMs + DELIVERY_MARGIN_MS
    producer.listen((failure) => this.#onFailure(failure))
  }

  async writeBatch(batch: WriteBatch): Promise<void> {
    this.#checkUsable()
    if (this.#isTransactional) this.#requireTransaction()
    if (batch.length === 0) return
    checkAllHeaders(batch)
    if (!this.#knownTopics.has(batch.topic)) await this.#find(batch.topic)
    const until = performance.now() + this.#giveUpMs
    for (let from = 0; from < batch.length;) {
      const to = Math.min(batch.length, from + TURN)
      const produced = this.#produce(batch, from, to)
      from = typeof produced === 'number' ? produced : await produced
      if (from < to) {
        // The client is behind by as much as it may be: waiting is the back-pressure.
        if (performance.now() > until)
          throw kafkaError(`take records for topic '${batch.topic}'`, queueFull(), { stage: 'sink', topic: batch.topic })
        await sleep(FULL_MS)
        this.#checkUsable()
      } else if (from < batch.length) await nextTurn()
    }
  }

  send(batches: readonly WriteBatch[]): readonly Promise<readonly Delivery[]>[] {
    const { clientId, deliveryReports } = this.#options
    if (deliveryReports !== true) throw new TypeError(`Writer '${clientId}' was opened without deliveryReports: it can't send.`)
    if (this.#isTransactional) this.#requireTransaction()
    return batches.map((batch) => this.#send(batch))
  }

  async #send(batch: WriteBatch): Promise<readonly Delivery[]> {
    const send = new ReportedSend(batch, { producer: this.#producer, giveUpMs: this.#giveUpMs, check: () => this.#checkUsable() })
    this.#sends.add(send)
    try {
      this.#checkUsable()
      if (!this.#knownTopics.has(batch.topic)) await this.#find(batch.topic)
      this.#checkUsable()
      await send.queue()
    } catch (error) {
      send.refuseFrom(0, error)
    }
    const deliveries = await send.done
    this.#sends.delete(send)
    for (const delivery of deliveries) if (delivery.outcome !== 'written') this.#onUndelivered(batch.topic, delivery.error)
    return deliveries
  }

  #onUndelivered(topic: string, error: MillraceError): void {
    if (error.code === 'UNKNOWN_TOPIC') this.#knownTopics.delete(topic)
    if (error.code === 'KAFKA_FATAL') this.#dead ??= error
    if (!this.#isTransactional) return
    if (error.code === 'PRODUCER_FENCED') this.#dead ??= error
    else this.#doomed ??= abortable(`a record for topic '${topic}' could not be written`, error)
  }

  #produce(batch: WriteBatch, from: number, to: number): number | Promise<number> {
    const refused = (error: unknown): never => {
      this.#checkUsable()
      throw this.#translate(`take records for topic '${batch.topic}'`, error)
    }
    try {
      const produced = this.#producer.produce(batch, from, to)
      return typeof produced === 'number' ? produced : produced.catch(refused)
    } catch (error) {
      return refused(error)
    }
  }

  /** Asking first, the client neither makes the broker create a topic nor keeps records of a wrong name until they time out. */
  async #find(topic: string): Promise<void> {
    const until = performance.now() + UNKNOWN_TOPIC_PATIENCE_MS
    for (;;) {
      if (await this.#exists(topic)) {
        this.#knownTopics.add(topic)
        return
      }
      if (performance.now() > until) throw unknownTopic('sink', topic, false)
      await sleep(UNKNOWN_TOPIC_RETRY_MS)
      this.#checkUsable()
    }
  }

  async #exists(topic: string): Promise<boolean> {
    try {
      return (await this.#producer.existing([topic])).has(topic)
    } catch (error) {
      throw kafkaError(`look up topic '${topic}'`, error, { stage: 'sink', topic })
    }
  }

  async flush(): Promise<readonly WriteFailure[]> {
    this.#checkUsable()
    try {
      await this.#flush(this.#giveUpMs)
    } finally {
      // Closed meanwhile, it has told of failures already.
      this.#checkUsable()
    }
    return this.#takeFailures()
  }

  /** Records are delivered or given up within the client's delivery time, so that this ends. */
  async #flush(limitMs: number): Promise<void> {
    const until = performance.now() + limitMs
    for (;;) {
      const leftMs = until - performance.now()
      if (leftMs <= 0)
        throw kafkaError('deliver what was written', new ClientError('it is not acknowledged', { kind: 'timed-out', code: 0 }), {
          stage: 'sink',
        })
      try {
        if (await this.#producer.flush(Math.min(FLUSH_MS, Math.ceil(leftMs)))) return
      } catch (error) {
        throw this.#translate('deliver what was written', error)
      }
    }
  }

  #takeFailures(): WriteFailure[] {
    const failures = this.#failures
    this.#failures = []
    return failures.map(({ topic, partition, error }) => ({ topic, partition, error: undelivered(error, { topic, partition }) }))
  }

  #onFailure(failure: DeliveryFailure): void {
    if (this.#failures.length < MAX_FAILURES) this.#failures.push(failure)
    if (failure.error.kind === 'unknown-topic') this.#knownTopics.delete(failure.topic)
    if (!this.#isTransactional) return
    if (failure.error.kind === 'fenced') this.#dead ??= undelivered(failure.error, failure)
    else this.#doomed ??= abortable(`a record for topic '${failure.topic}' could not be written`, failure.error)
  }

  async begin(): Promise<void> {
    this.#requireTransactional('begin')
    if (this.#inTransaction) throw new TypeError(`A transaction of '${this.#options.transactionalId}' is open already.`)
    await this.#call('begin a transaction', () => this.#producer.begin())
    this.#doomed = undefined
    this.#inTransaction = true
  }

  async sendOffsets(offsets: readonly OffsetCommit[], source: RecordSource): Promise<void> {
    this.#requireTransactional('send offsets')
    this.#requireTransaction()
    if (!(source instanceof KafkaSource)) throw new TypeError('Offsets of another transport can take no part in this transaction.')
    const client = source.clientFor(offsets)
    try {
      await this.#call('add offsets to the transaction', () => this.#producer.sendOffsets(offsets, client))
    } catch (error) {
      this.#doomed ??= abortable('its offsets were refused', error)
      throw error
    }
  }

  async commit(): Promise<void> {
    this.#requireTransactional('commit')
    this.#requireTransaction()
    // What could not even be queued is unknown to the client: it would commit the rest.
    if (this.#doomed !== undefined) throw this.#doomed
    await this.#call('commit the transaction', () => this.#producer.commit())
    this.#inTransaction = false
  }

  async abort(): Promise<void> {
    this.#requireTransactional('abort')
    if (!this.#inTransaction) return
    await this.#call('abort the transaction', () => this.#producer.abort())
    this.#inTransaction = false
    this.#doomed = undefined
    this.#failures = []
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    const { clientId } = this.#options
    try {
      if (this.#dead === undefined) {
        if (this.#inTransaction) await this.#producer.abort(CLOSE_ABORT_MS)
        else if (this.#options.deliveryReports !== true || this.#sends.size > 0) await this.#flush(Math.min(CLOSE_FLUSH_MS, this.#giveUpMs))
      }
    } catch (error) {
      this.#logger.warn({ err: error, clientId }, 'Not everything could be finished when a Kafka writer was closed')
    }
    for (const send of this.#sends) send.abandon(closed('sink', `writer '${clientId}'`))
    try {
      await this.#producer.close()
    } catch (error) {
      this.#logger.warn({ err: error, clientId }, 'A Kafka producer did not disconnect in time')
    }
    // Those, too, that were dropped now.
    this.#tellFailures()
  }

  /** A line for each partition: there may be many records. */
  #tellFailures(): void {
    const untold = new Map<string, { readonly failure: WriteFailure; records: number }>()
    for (const failure of this.#takeFailures()) {
      const at = partitionKey(failure.topic, failure.partition)
      const told = untold.get(at)
      if (told === undefined) untold.set(at, { failure, records: 1 })
      else told.records++
    }
    const { clientId } = this.#options
    for (const { failure, records } of untold.values()) {
      const { topic, partition, error } = failure
      this.#logger.warn(
        { err: error, clientId, topic, partition, records },
        'Records were not written, and nobody had asked before the writer was closed',
      )
    }
  }

  async #call(doing: string, call: () => Promise<void>): Promise<void> {
    this.#checkUsable()
    try {
      await call()
    } catch (error) {
      throw this.#translate(doing, error)
    }
  }

  /** Remembers what ends a writer for good. */
  #translate(doing: string, error: unknown): Error {
    const translated = kafkaError(doing, error, { stage: this.#isTransactional ? 'commit' : 'sink' })
    if (error instanceof ClientError) {
      if (error.kind === 'fenced' || error.kind === 'fatal') this.#dead ??= translated
      if (this.#inTransaction && OF_A_TRANSACTION.has(error.kind)) {
        this.#doomed ??= abortable(error.message, error)
        return this.#doomed
      }
    }
    return translated
  }

  get #isTransactional(): boolean {
    return this.#options.transactionalId !== undefined
  }

  #checkUsable(): void {
    if (this.#closing !== undefined) throw closed('sink', `writer '${this.#options.clientId}'`)
    if (this.#dead !== undefined) throw this.#dead
  }

  #requireTransactional(what: string): void {
    this.#checkUsable()
    if (!this.#isTransactional) throw new TypeError(`Writer '${this.#options.clientId}' has no transactionalId: it can't ${what}.`)
  }

  #requireTransaction(): void {
    if (!this.#inTransaction) throw new TypeError(`No transaction of '${this.#options.transactionalId}' is open: begin one first.`)
  }
}

function abortable(reason: string, cause: unknown): MillraceError {
  return new MillraceError('TRANSACTION_ABORTABLE', `The transaction can only be aborted: ${reason}.`, { stage: 'commit', cause })
}

function queueFull(): ClientError {
  return new ClientError('its queue stayed full', { kind: 'queue-full', code: 0 })
}
