import { asError, type Compression, type Delivery, type Logger, MillraceError, type RecordWriter, type Transport } from '@millrace/core'
import type { PendingEvent } from './pending-event.ts'
import type { FailedOutcome } from './publish-error.ts'
import { byTopic, writeBatchOf } from './write-batches.ts'

type Written = Extract<Delivery, { readonly outcome: 'written' }>

/** All of it, or nothing, or nobody knows. */
export type TransactionResult =
  | { readonly ok: true; readonly places: ReadonlyMap<PendingEvent, Written> }
  | { readonly ok: false; readonly outcome: FailedOutcome; readonly error: MillraceError }

export interface TransactionSenderOptions {
  readonly transport: Transport
  readonly clientId: string
  readonly transactionalId: string
  /** Of all transactions: another codec would need another producer, which takes the id over from whoever has it by then. */
  readonly compression: Compression
  readonly logger: Logger
}

/** Sends events in transactions, one at a time, by a writer of their own. */
export class TransactionSender {
  readonly #options: TransactionSenderOptions
  #writer: RecordWriter | undefined
  #opening: Promise<RecordWriter> | undefined
  readonly #leaving = new Set<Promise<void>>()
  /** Another has taken the transactional id over: to open a writer again would take it back, and so on. */
  #fenced: MillraceError | undefined
  #closed = false

  constructor(options: TransactionSenderOptions) {
    this.#options = options
  }

  /** One transaction of several flushes, each of which begins when the one before it is written. */
  async send(flushes: readonly (readonly PendingEvent[])[]): Promise<TransactionResult> {
    let writer: RecordWriter
    try {
      writer = await this.#open()
    } catch (error) {
      return this.#failed('not-sent', error)
    }
    const places = new Map<PendingEvent, Written>()
    try {
      await writer.begin()
      for (const events of flushes) await write(writer, events, places)
    } catch (error) {
      return this.#failed('refused', await this.#abort(writer, error))
    }
    try {
      await writer.commit()
      return { ok: true, places }
    } catch (error) {
      if (error instanceof MillraceError && error.code === 'TRANSACTION_ABORTABLE') {
        return this.#failed('refused', await this.#abort(writer, error))
      }
      // The next writer of the id learns how it ended, and ends it if need be; this one does not know.
      this.#leave(writer)
      return this.#failed('unknown', error)
    }
  }

  async #open(): Promise<RecordWriter> {
    this.#check()
    if (this.#writer !== undefined) return this.#writer
    this.#opening ??= this.#openOne().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #openOne(): Promise<RecordWriter> {
    const { transport, clientId, transactionalId, compression, logger } = this.#options
    const options = { clientId: `${clientId}-transactions`, transactionalId, deliveryReports: true, compression }
    const writer = await transport.openWriter(options, { logger })
    if (this.#closed) await writer.close()
    this.#check()
    this.#writer = writer
    return writer
  }

  #check(): void {
    if (this.#closed) throw new MillraceError('CLOSED', 'The publisher is closed.', { stage: 'commit' })
    if (this.#fenced !== undefined) throw this.#fenced
  }

  #failed(outcome: FailedOutcome, thrown: unknown): TransactionResult {
    const result = failed(outcome, thrown)
    if (isFenced(result.error)) this.#fenced ??= fenced(this.#options.transactionalId, result.error)
    return this.#fenced === undefined ? result : { ...result, error: this.#fenced }
  }

  /**
   * Returns why it failed. The next transaction has another writer: librdkafka counts a record that the broker refused as sent, so that what follows it is refused as out of
   * sequence.
   */
  async #abort(writer: RecordWriter, reason: unknown): Promise<unknown> {
    try {
      await writer.abort()
      return reason
    } catch (error) {
      this.#options.logger.warn({ err: error }, 'a transaction was not aborted: the next writer of its id ends it')
      // Of a producer that was fenced, records may only be told that they were dropped.
      return isFenced(error) ? error : reason
    } finally {
      this.#leave(writer)
    }
  }

  #leave(writer: RecordWriter): void {
    this.#writer = undefined
    const left = writer
      .close()
      .catch((error: unknown) => this.#options.logger.warn({ err: error }, 'a writer of the publisher did not close'))
      .finally(() => this.#leaving.delete(left))
    this.#leaving.add(left)
  }

  /** Resolves when everything is closed, or has failed to. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#writer !== undefined) this.#leave(this.#writer)
    await Promise.allSettled([this.#opening])
    await Promise.all(this.#leaving)
  }
}

async function write(writer: RecordWriter, events: readonly PendingEvent[], places: Map<PendingEvent, Written>): Promise<void> {
  const topics = [...byTopic(events)]
  const sent = await Promise.all((writer as Required<RecordWriter>).send(topics.map(([topic, own]) => writeBatchOf(topic, own))))
  for (const [i, [, own]] of topics.entries())
    for (const [at, event] of own.entries()) {
      const delivery = sent[i]?.[at] as Delivery
      if (delivery.outcome !== 'written') throw delivery.error
      places.set(event, delivery)
    }
}

function failed(outcome: FailedOutcome, thrown: unknown): Extract<TransactionResult, { readonly ok: false }> {
  const error =
    thrown instanceof MillraceError
      ? thrown
      : new MillraceError('WRITE_FAILED', asError(thrown).message, { stage: 'commit', cause: thrown })
  return { ok: false, outcome, error }
}

function isFenced(error: unknown): boolean {
  return error instanceof MillraceError && error.code === 'PRODUCER_FENCED'
}

function fenced(transactionalId: string, cause: MillraceError): MillraceError {
  const message = `Another publisher has taken the transactional id '${transactionalId}' over: give each process one of its own, and make this publisher anew.`
  return new MillraceError('PRODUCER_FENCED', message, { stage: 'commit', cause })
}
