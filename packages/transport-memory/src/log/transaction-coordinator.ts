import type { Clock } from '@millrace/core'
import { producerFenced } from '../internal/errors.ts'
import { Transaction } from './transaction.ts'

/** What a transaction's end needs of the log. */
export interface TransactionLog {
  readonly clock: Clock
  /** Makes the outcome durable, then visible: first the decision, then markers and offsets. */
  finish(transaction: Transaction, outcome: 'committed' | 'aborted'): void
}

/** One writer's right to its transactional id; it ends when a later writer takes the id or a transaction takes too long. */
export class TransactionalProducer {
  readonly transactionalId: string
  readonly #coordinator: TransactionCoordinator
  readonly #timeoutMs: number
  #open: { readonly transaction: Transaction; readonly cancelTimeout: () => void } | undefined
  #fencedBecause: string | undefined

  constructor(coordinator: TransactionCoordinator, transactionalId: string, timeoutMs: number) {
    this.#coordinator = coordinator
    this.transactionalId = transactionalId
    this.#timeoutMs = timeoutMs
  }

  /** Throws when the right has ended. */
  check(): void {
    if (this.#fencedBecause !== undefined) throw producerFenced(this.transactionalId, this.#fencedBecause)
  }

  /** The open transaction. */
  get transaction(): Transaction | undefined {
    return this.#open?.transaction
  }

  begin(): void {
    this.check()
    if (this.#open !== undefined)
      throw new TypeError(`A transaction of '${this.transactionalId}' is open already: commit or abort it first.`)
    const cancelTimeout = this.#coordinator.log.clock.after(this.#timeoutMs, () =>
      this.fence(`its transaction was open for more than ${this.#timeoutMs} ms and has been aborted`),
    )
    this.#open = { transaction: this.#coordinator.next(), cancelTimeout }
  }

  end(outcome: 'committed' | 'aborted'): void {
    this.check()
    const open = this.#open
    if (open === undefined) throw new TypeError(`No transaction of '${this.transactionalId}' is open: begin one first.`)
    this.#coordinator.log.finish(open.transaction, outcome)
    this.#open = undefined
    open.cancelTimeout()
  }

  /** Aborts the open transaction and refuses everything from now on. */
  fence(reason: string): void {
    if (this.#fencedBecause !== undefined) return
    if (this.#open !== undefined) this.end('aborted')
    this.#fencedBecause = reason
  }
}

/** Who holds which transactional id. */
export class TransactionCoordinator {
  readonly log: TransactionLog
  readonly #holders = new Map<string, TransactionalProducer>()
  #lastId: number

  /** `lastId`: the highest transaction id used before. */
  constructor(log: TransactionLog, lastId = 0) {
    this.log = log
    this.#lastId = lastId
  }

  /** Takes the id, fencing whoever holds it. */
  acquire(transactionalId: string, timeoutMs: number): TransactionalProducer {
    this.#holders.get(transactionalId)?.fence('a later writer has taken the id')
    const producer = new TransactionalProducer(this, transactionalId, timeoutMs)
    this.#holders.set(transactionalId, producer)
    return producer
  }

  next(): Transaction {
    return new Transaction(++this.#lastId)
  }
}
