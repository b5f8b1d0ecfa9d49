import { deferred, type MillraceError } from '@millrace/core'
import { mayBeSentAgain } from './flight.ts'
import type { FlushLog } from './flush-log.ts'
import type { KeyLanes } from './key-lanes.ts'
import type { PendingEvent } from './pending-event.ts'
import { transactionFailed, waitedTooLong } from './publish-failures.ts'
import type { PublishError } from './publish-error.ts'
import type { TransactionResult, TransactionSender } from './transaction-sender.ts'

export interface TransactionsOptions {
  readonly sender: TransactionSender
  readonly keys: KeyLanes
  readonly maxRetries: number
  /** After so long one that waits for its keys is given up, in milliseconds. */
  readonly deliveryMs: number
  /** Events that are sent at once, at most: a larger one has several flushes. */
  readonly maxFlush: number
  readonly log: FlushLog
  readonly wait: (retry: number, error: MillraceError, events: number) => Promise<boolean>
  readonly onWritten: (event: PendingEvent, place: { readonly partition: number; readonly offset: number }) => void
  readonly onFailed: (event: PendingEvent, error: PublishError, forGood: boolean) => void
  /** One is over. */
  readonly onEnd: () => void
}

/**
 * Transactions that wait for what comes before them in their keys, and those that may go: one is sent after the other, and another goes while one waits to be
 * tried again. What comes after them in their keys waits for them.
 */
export class Transactions {
  readonly #options: TransactionsOptions
  #waiting: (readonly PendingEvent[])[] = []
  /** Ascends, apart from the numbers of flushes. */
  #number = -1
  /** The one that is being sent, and those that are next. */
  #sending: Promise<unknown> = Promise.resolve()

  constructor(options: TransactionsOptions) {
    this.#options = options
  }

  /** Its events are in their keys' lanes already. */
  add(events: readonly PendingEvent[]): void {
    this.#waiting.push(events)
  }

  /** Begins those that nothing is before any more. */
  begin(): void {
    const { keys } = this.#options
    const waiting = this.#waiting.filter((events) => events.some(({ state }) => state === 'held'))
    this.#waiting = []
    for (const events of waiting) {
      if (keys.areNext(events)) this.#begin(events)
      else this.#waiting.push(events)
    }
  }

  /** When the first that waits is to be given up; Infinity: none waits. */
  get expireAt(): number {
    return (this.#waiting[0]?.[0]?.arrivedAt ?? Infinity) + this.#options.deliveryMs
  }

  /** Gives up what has waited for too long. */
  expire(now: number): void {
    const { keys, deliveryMs, onFailed, onEnd } = this.#options
    while (this.expireAt <= now) {
      // What waited for it may go now.
      onEnd()
      const events = this.#waiting.shift() as readonly PendingEvent[]
      const before = keys.oneBefore(events)
      for (const event of events) onFailed(event, waitedTooLong(event, before, deliveryMs), true)
    }
  }

  #begin(events: readonly PendingEvent[]): void {
    for (const event of events) {
      event.state = 'flying'
      event.between = 'not-sent'
      this.#options.keys.take(event, this.#number)
    }
    this.#number--
    void this.#run(events)
  }

  async #run(events: readonly PendingEvent[]): Promise<void> {
    const { maxRetries, wait, onWritten, onFailed, onEnd, maxFlush, log } = this.#options
    const flushes = partsOf(events, maxFlush)
    const over = flushes.map((flush) => log.began(flush, 'transaction'))
    let result = await this.#send(flushes)
    for (let retry = 1; !result.ok; retry++) {
      const { outcome, error } = result
      // Who has taken its id over is not to be fenced in turn.
      if (outcome === 'unknown' || error.code === 'PRODUCER_FENCED' || !mayBeSentAgain({ error }) || retry > maxRetries) break
      for (const event of events) event.between = outcome
      if (!(await wait(retry, error, events.length))) break
      result = await this.#send(flushes)
    }
    for (const event of events) {
      if (!result.ok) onFailed(event, transactionFailed(event, result), true)
      else onWritten(event, result.places.get(event) as { readonly partition: number; readonly offset: number })
    }
    for (const end of over) end()
    onEnd()
  }

  /** When it is its turn. */
  async #send(flushes: readonly (readonly PendingEvent[])[]): Promise<TransactionResult> {
    const before = this.#sending
    const { promise, resolve } = deferred<void>()
    this.#sending = promise
    await before
    for (const event of flushes.flat()) event.between = undefined
    try {
      return await this.#options.sender.send(flushes)
    } finally {
      resolve()
    }
  }
}

function partsOf(events: readonly PendingEvent[], size: number): readonly (readonly PendingEvent[])[] {
  const parts: (readonly PendingEvent[])[] = []
  for (let from = 0; from < events.length; from += size) parts.push(events.slice(from, from + size))
  return parts
}
