import {
  columnByteLength,
  type Delivery,
  MillraceError,
  type Logger,
  type OffsetCommit,
  type RecordSource,
  type RecordWriter,
  type RecordWriterOptions,
  type WriteBatch,
  type WriteFailure,
} from '@millrace/core'
import { asMillraceError, closed } from '../internal/errors.ts'
import { copyColumn } from '../internal/scrubbed-batch.ts'
import type { EmbeddedLog } from '../log/embedded-log.ts'
import type { Topic } from '../log/topic-registry.ts'
import type { TransactionalProducer } from '../log/transaction-coordinator.ts'
import type { Transaction } from '../log/transaction.ts'
import { MemorySource } from '../source/memory-source.ts'
import { DeliveryQueue } from './delivery-queue.ts'
import { refuseOversized } from './refuse-oversized.ts'
import { allOf, sendRows } from './send-rows.ts'
import { routeRows, type RoutedRows } from './route-rows.ts'
import { Spread } from './spread.ts'

const DEFAULT_TRANSACTION_TIMEOUT_MS = 10_000

/** Writes to the embedded log; see {@link RecordWriter}. */
export class MemoryWriter implements RecordWriter {
  readonly #log: EmbeddedLog
  readonly #clientId: string
  readonly #logger: Logger
  readonly #onClosed: () => void
  readonly #producer: TransactionalProducer | undefined
  readonly #spreads = new Map<string, Spread>()
  readonly #queue = new DeliveryQueue()
  readonly #reports: boolean
  /** The last send to each topic: the next follows it. */
  readonly #sends = new Map<string, Promise<unknown>>()
  #failures: WriteFailure[] = []
  /** Why the open transaction can't be committed any more. */
  #doomed: MillraceError | undefined
  #closing: Promise<void> | undefined

  constructor(log: EmbeddedLog, options: RecordWriterOptions, parts: { readonly logger: Logger; readonly onClosed: () => void }) {
    this.#log = log
    this.#clientId = options.clientId
    this.#logger = parts.logger
    this.#reports = options.deliveryReports ?? false
    this.#onClosed = parts.onClosed
    if (options.transactionalId !== undefined) {
      this.#producer = log.transactions.acquire(options.transactionalId, options.transactionTimeoutMs ?? DEFAULT_TRANSACTION_TIMEOUT_MS)
    }
  }

  async writeBatch(batch: WriteBatch): Promise<void> {
    const { faults } = this.#log
    if (!faults.active) {
      this.#deliver(this.#route(batch), this.#openTransaction())
      return
    }
    const operation = { type: 'write', clientId: this.#clientId, topic: batch.topic, records: batch.length } as const
    await faults.before(operation)
    const transaction = this.#openTransaction()
    const owned: WriteBatch = { ...batch, keys: copyColumn(batch.keys), values: copyColumn(batch.values) }
    const routed = this.#route(owned)
    const byteLength = columnByteLength(owned.keys) + columnByteLength(owned.values)
    await this.#queue.push(byteLength, () => this.#deliverQueued(routed, transaction))
    await faults.after(operation)
  }

  /** Checks that the batch can be written before anything of it is. */
  #route(batch: WriteBatch): readonly RoutedRows[] {
    this.#checkUsable()
    const topic = this.#log.topics.require(batch.topic, 'sink')
    return routeRows(batch, topic.partitions.length, this.#spreadOf(topic))
  }

  #deliver(routed: readonly RoutedRows[], transaction: Transaction | undefined): void {
    for (const rows of routed) this.#append(rows, transaction)
  }

  async #deliverQueued(routed: readonly RoutedRows[], transaction: Transaction | undefined): Promise<void> {
    for (const rows of routed) {
      const { topic } = rows.batch
      const { partition } = rows
      try {
        await this.#log.faults.before({ type: 'deliver', clientId: this.#clientId, topic, partition, records: rows.to - rows.from })
      } catch (error) {
        this.#failed(topic, partition, error)
        continue
      }
      this.#append(rows, transaction)
    }
  }

  #append(rows: RoutedRows, transaction: Transaction | undefined): void {
    const { topic: name } = rows.batch
    const { partition } = rows
    try {
      this.#producer?.check()
      // Aborted while it was waiting.
      if (transaction !== this.#producer?.transaction) return
      const topic = this.#log.topics.require(name, 'sink')
      const log = this.#log.topics.requirePartition({ topic: name, partition }, 'sink')
      const fitting = refuseOversized(rows, topic.maxRecordBytes, (error) => this.#failed(name, partition, error))
      if (fitting.to > fitting.from) log.append(fitting, transaction)
    } catch (error) {
      this.#failed(name, partition, error)
    }
  }

  #failed(topic: string, partition: number, thrown: unknown): void {
    const error = asMillraceError(thrown, 'WRITE_FAILED', 'sink')
    this.#failures.push({ topic, partition, error })
    if (this.#producer !== undefined) this.#doomed ??= abortable(`records for ${topic}-${partition} could not be written`, error)
  }

  send(batches: readonly WriteBatch[]): readonly Promise<readonly Delivery[]>[] {
    if (!this.#reports) throw new TypeError(`Writer '${this.#clientId}' was opened without deliveryReports: it can't send.`)
    const transaction = this.#openTransaction()
    return batches.map((batch) => {
      const before = this.#sends.get(batch.topic) ?? Promise.resolve()
      const sent = before.then(() => this.#send(batch, transaction))
      this.#sends.set(batch.topic, sent)
      return sent
    })
  }

  async #send(batch: WriteBatch, transaction: Transaction | undefined): Promise<readonly Delivery[]> {
    const { faults } = this.#log
    const operation = { type: 'send', clientId: this.#clientId, topic: batch.topic, records: batch.length } as const
    const deliveries = new Array<Delivery>(batch.length)
    const sending = { log: this.#log, clientId: this.#clientId, check: () => this.#checkUsable(), transaction }
    try {
      await faults.before(operation)
      for (const rows of this.#route(batch)) await sendRows(rows, deliveries, sending)
    } catch (error) {
      return this.#doomedBy(batch.topic, allOf(batch, 'refused', error))
    }
    try {
      await faults.after(operation)
    } catch (error) {
      return this.#doomedBy(batch.topic, allOf(batch, 'unknown', error))
    }
    return this.#doomedBy(batch.topic, deliveries)
  }

  /** A transaction commits all or nothing. */
  #doomedBy(topic: string, deliveries: readonly Delivery[]): readonly Delivery[] {
    if (this.#producer === undefined) return deliveries
    for (const delivery of deliveries)
      if (delivery.outcome !== 'written') this.#doomed ??= abortable(`a record for topic '${topic}' could not be written`, delivery.error)
    return deliveries
  }

  async flush(): Promise<readonly WriteFailure[]> {
    this.#checkUsable()
    const operation = { type: 'flush', clientId: this.#clientId } as const
    await this.#log.faults.before(operation)
    await this.#idle()
    this.#log.sync()
    const failures = this.#failures
    this.#failures = []
    await this.#log.faults.after(operation)
    return failures
  }

  async begin(): Promise<void> {
    const producer = this.#requireProducer('begin')
    const operation = { type: 'begin', clientId: this.#clientId } as const
    await this.#log.faults.before(operation)
    producer.begin()
    this.#doomed = undefined
    await this.#log.faults.after(operation)
  }

  async sendOffsets(offsets: readonly OffsetCommit[], source: RecordSource): Promise<void> {
    const producer = this.#requireProducer('send offsets')
    if (!(source instanceof MemorySource) || !source.reads(this.#log)) {
      throw new TypeError('Offsets of another transport can take no part in this transaction.')
    }
    const operation = { type: 'send-offsets', clientId: this.#clientId, groupId: source.groupId ?? '', offsets } as const
    await this.#log.faults.before(operation)
    producer.check()
    const transaction = requireTransaction(producer)
    try {
      const group = source.authorize(offsets)
      transaction.addOffsets(group, offsets)
    } catch (error) {
      this.#doomed ??= abortable('its offsets were refused', error)
      throw error
    }
    await this.#log.faults.after(operation)
  }

  async commit(): Promise<void> {
    const producer = this.#requireProducer('commit')
    const operation = { type: 'commit-transaction', clientId: this.#clientId } as const
    await this.#log.faults.before(operation)
    await this.#idle()
    producer.check()
    requireTransaction(producer)
    if (this.#doomed !== undefined) throw this.#doomed
    producer.end('committed')
    await this.#log.faults.after(operation)
  }

  async abort(): Promise<void> {
    const producer = this.#requireProducer('abort')
    const operation = { type: 'abort-transaction', clientId: this.#clientId } as const
    await this.#log.faults.before(operation)
    producer.end('aborted')
    this.#doomed = undefined
    await this.#log.faults.after(operation)
  }

  async #idle(): Promise<void> {
    await this.#queue.idle()
    await Promise.all(this.#sends.values())
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    try {
      if (this.#producer?.transaction !== undefined) this.#producer.end('aborted')
      await this.#queue.idle()
      this.#log.sync()
    } finally {
      this.#warnOfFailures()
      this.#onClosed()
    }
  }

  #warnOfFailures(): void {
    for (const { topic, partition, error } of this.#failures) {
      this.#logger.warn({ topic, partition, err: error }, 'Records were not written, and nobody had asked before the writer was closed')
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #openTransaction(): Transaction | undefined {
    if (this.#producer === undefined) return undefined
    this.#checkUsable()
    return requireTransaction(this.#producer)
  }

  #spreadOf({ name }: Topic): Spread {
    let spread = this.#spreads.get(name)
    if (spread === undefined) {
      spread = new Spread()
      this.#spreads.set(name, spread)
    }
    return spread
  }

  #checkUsable(): void {
    if (this.#closing !== undefined) throw closed('sink', `writer '${this.#clientId}'`)
    this.#producer?.check()
  }

  #requireProducer(what: string): TransactionalProducer {
    this.#checkUsable()
    if (this.#producer === undefined) throw new TypeError(`Writer '${this.#clientId}' has no transactionalId: it can't ${what}.`)
    return this.#producer
  }
}

function requireTransaction({ transaction, transactionalId }: TransactionalProducer): Transaction {
  if (transaction === undefined) throw new TypeError(`No transaction of '${transactionalId}' is open: begin one first.`)
  return transaction
}

function abortable(reason: string, cause: unknown): MillraceError {
  return new MillraceError('TRANSACTION_ABORTABLE', `The transaction can only be aborted: ${reason}.`, { stage: 'commit', cause })
}
