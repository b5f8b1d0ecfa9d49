import {
  asError,
  type Delivery,
  type Logger,
  MillraceError,
  type RecordWriter,
  settledWithin,
  type Clock,
  type Transport,
} from '@millrace/core'
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
  readonly logger: Logger
  readonly clock: Clock
}

/** Sends events in transactions, one at a time, by a writer of their own. */
export class TransactionSender {
  readonly #options: TransactionSenderOptions
  #writer: RecordWriter | undefined
  #closed = false

  constructor(options: TransactionSenderOptions) {
    this.#options = options
  }

  async send(events: readonly PendingEvent[]): Promise<TransactionResult> {
    let writer: RecordWriter
    try {
      writer = await this.#open()
    } catch (error) {
      return failed('not-sent', error)
    }
    let places: ReadonlyMap<PendingEvent, Written>
    try {
      await writer.begin()
      places = await write(writer, events)
    } catch (error) {
      await this.#abort(writer)
      return failed('refused', error)
    }
    try {
      await writer.commit()
      return { ok: true, places }
    } catch (error) {
      if (error instanceof MillraceError && error.code === 'TRANSACTION_ABORTABLE') {
        await this.#abort(writer)
        return failed('refused', error)
      }
      // The next writer of the id learns how it ended, and ends it if need be; this one does not know.
      this.#leave(writer)
      return failed('unknown', error)
    }
  }

  async #open(): Promise<RecordWriter> {
    const { transport, clientId, transactionalId, logger } = this.#options
    if (this.#closed) throw new MillraceError('CLOSED', 'The publisher is closed.', { stage: 'commit' })
    this.#writer ??= await transport.openWriter(
      { clientId: `${clientId}-transactions`, transactionalId, deliveryReports: true },
      { logger },
    )
    return this.#writer
  }

  async #abort(writer: RecordWriter): Promise<void> {
    try {
      await writer.abort()
    } catch {
      this.#leave(writer)
    }
  }

  #leave(writer: RecordWriter): void {
    this.#writer = undefined
    writer.close().catch((error: unknown) => this.#options.logger.warn({ err: error }, 'a writer of the publisher did not close'))
  }

  async close(limitMs: number): Promise<void> {
    this.#closed = true
    if (this.#writer !== undefined) await settledWithin(this.#writer.close(), limitMs, this.#options.clock)
  }
}

async function write(writer: RecordWriter, events: readonly PendingEvent[]): Promise<ReadonlyMap<PendingEvent, Written>> {
  const topics = [...byTopic(events)]
  const sent = await Promise.all((writer as Required<RecordWriter>).send(topics.map(([topic, own]) => writeBatchOf(topic, own))))
  const places = new Map<PendingEvent, Written>()
  for (const [i, [, own]] of topics.entries())
    for (const [at, event] of own.entries()) {
      const delivery = sent[i]?.[at] as Delivery
      if (delivery.outcome !== 'written') throw delivery.error
      places.set(event, delivery)
    }
  return places
}

function failed(outcome: FailedOutcome, thrown: unknown): TransactionResult {
  const error =
    thrown instanceof MillraceError
      ? thrown
      : new MillraceError('WRITE_FAILED', asError(thrown).message, { stage: 'commit', cause: thrown })
  return { ok: false, outcome, error }
}
