import { setTimeout as sleep } from 'node:timers/promises'
import { type Delivery, MillraceError, type WriteBatch } from '@millrace/core'
import { ClientError, type ClientErrorKind } from '../client/client-error.ts'
import type { DeliveryReport, ProducerClient, QueuedRows } from '../client/kafka-client.ts'
import { kafkaError, undelivered } from '../errors/kafka-error.ts'
import { checkHeaders } from './check-headers.ts'

/** Between two tries while the client's queue is full. */
const FULL_MS = 2
/** Rows queued before timers and sockets get their turn. */
const TURN = 10_000

/** What a broker answers when it has not taken a record. After all others it may have taken it, or may have been about to. */
const REFUSALS: ReadonlySet<ClientErrorKind> = new Set([
  'authentication',
  'not-authorized',
  'unknown-topic',
  'record-too-large',
  'queue-full',
  'fenced',
])
/** Codes of Kafka's protocol, without a kind of their own, that refuse a record: corrupt, bad timestamp, by a policy, invalid. */
const REFUSING_CODES: ReadonlySet<number> = new Set([2, 32, 44, 87])
/** Errors that no later record of the send can escape. */
const FINAL: ReadonlySet<ClientErrorKind> = new Set(['fenced', 'fatal', 'abortable', 'not-fetching'])

export interface Sending {
  readonly producer: ProducerClient
  /** Milliseconds until a full queue is given up. */
  readonly giveUpMs: number
  /** Throws once nothing may be sent any more. */
  readonly check: () => void
}

/** One batch on its way: what became of each row, and a promise of all of it. */
export class ReportedSend {
  readonly #batch: WriteBatch
  readonly #sending: Sending
  readonly #deliveries: (Delivery | undefined)[]
  readonly #settle: (deliveries: readonly Delivery[]) => void
  readonly #onReport = (row: number, report: DeliveryReport): void => this.#report(row, report)
  #left: number
  /** Resolves when the fate of every row is known; never rejects. */
  readonly done: Promise<readonly Delivery[]>

  constructor(batch: WriteBatch, sending: Sending) {
    this.#batch = batch
    this.#sending = sending
    this.#left = batch.length
    this.#deliveries = new Array<Delivery | undefined>(batch.length)
    let settle: (deliveries: readonly Delivery[]) => void = () => undefined
    this.done = new Promise((resolve) => {
      settle = resolve
    })
    this.#settle = settle
    if (batch.length === 0) settle([])
  }

  /** Queues every row. What can't be queued is refused by itself. */
  async queue(): Promise<void> {
    const { length } = this.#batch
    const until = performance.now() + this.#sending.giveUpMs
    for (let row = 0; row < length;) {
      const from = row
      const answer = this.#queueFrom(row)
      const { queued, error, refused = queued + 1 } = answer instanceof Promise ? await answer : answer
      row = queued
      if (error === undefined) {
        if (row - from === TURN) await sleep(0)
      } else if (isFull(error) && performance.now() <= until) await this.#room(row)
      else for (; row < refused; row++) this.#notQueued(row, error)
    }
  }

  /** What is refused already is passed over. */
  #queueFrom(from: number): QueuedRows | Promise<QueuedRows> {
    if (this.#deliveries[from] !== undefined) return { queued: this.#batch.length }
    let to = from
    const end = Math.min(this.#batch.length, from + TURN)
    try {
      for (; to < end; to++) checkHeaders(this.#batch, to)
    } catch (error) {
      // What comes before goes before it.
      if (to === from) return { queued: from, error }
    }
    return this.#sending.producer.produceReported(this.#batch, { from, to }, this.#onReport)
  }

  #notQueued(row: number, thrown: unknown): void {
    this.#refuse(row, thrown)
    // The rest would be told the same, and what is queued out of turn would overtake.
    if (thrown instanceof ClientError && FINAL.has(thrown.kind)) this.refuseFrom(row + 1, thrown)
  }

  async #room(row: number): Promise<void> {
    await sleep(FULL_MS)
    try {
      this.#sending.check()
    } catch (error) {
      this.refuseFrom(row, error)
    }
  }

  /** Nothing of the rows from `from` on was handed over. */
  refuseFrom(from: number, thrown: unknown): void {
    for (let row = from; row < this.#batch.length; row++) this.#refuse(row, thrown)
  }

  /** Whatever is not known by now never will be. */
  abandon(error: MillraceError): void {
    for (let row = 0; row < this.#batch.length; row++) this.#set(row, { outcome: 'unknown', error })
  }

  #refuse(row: number, thrown: unknown): void {
    const { topic } = this.#batch
    const error = kafkaError(`take a record for topic '${topic}'`, thrown, { stage: 'sink', topic })
    this.#set(row, { outcome: 'refused', error: error instanceof MillraceError ? error : invalid(topic, error) })
  }

  #report(row: number, report: DeliveryReport): void {
    if (report.error === undefined) return this.#set(row, { outcome: 'written', partition: report.partition, offset: report.offset })
    const { error, partition } = report
    const { topic } = this.#batch
    const delivered = undelivered(error, { topic, partition })
    if (REFUSING_CODES.has(error.code)) return this.#set(row, { outcome: 'refused', error: invalid(topic, delivered) })
    this.#set(row, { outcome: REFUSALS.has(error.kind) ? 'refused' : 'unknown', error: delivered })
  }

  #set(row: number, delivery: Delivery): void {
    if (this.#deliveries[row] !== undefined) return
    this.#deliveries[row] = delivery
    if (--this.#left === 0) this.#settle(this.#deliveries as readonly Delivery[])
  }
}

function isFull(thrown: unknown): boolean {
  return thrown instanceof ClientError && thrown.kind === 'queue-full'
}

function invalid(topic: string, cause: Error): MillraceError {
  return new MillraceError('INVALID_RECORD', cause.message, { stage: 'sink', topic, cause })
}
