import type { MillraceError } from '@millrace/core'
import { mayBeSentAgain } from './flight.ts'
import type { KeyLanes } from './key-lanes.ts'
import type { PendingEvent } from './pending-event.ts'
import { transactionFailed } from './publish-failures.ts'
import type { PublishError } from './publish-error.ts'
import type { TransactionResult, TransactionSender } from './transaction-sender.ts'

export interface TransactionsOptions {
  readonly sender: TransactionSender
  readonly keys: KeyLanes
  readonly maxRetries: number
  readonly wait: (retry: number, error: MillraceError, events: number) => Promise<boolean>
  readonly onWritten: (event: PendingEvent, place: { readonly partition: number; readonly offset: number }) => void
  readonly onFailed: (event: PendingEvent, error: PublishError, forGood: boolean) => void
  /** One is over. */
  readonly onEnd: () => void
}

/** Transactions that wait for what comes before them in their keys, and the one that runs. What comes after them in those keys waits for them. */
export class Transactions {
  readonly #options: TransactionsOptions
  #waiting: (readonly PendingEvent[])[] = []
  #running = false
  /** Ascends, apart from the numbers of flushes. */
  #number = -1

  constructor(options: TransactionsOptions) {
    this.#options = options
  }

  get waiting(): boolean {
    return this.#waiting.length > 0
  }

  /** Its events are in their keys' lanes already. */
  add(events: readonly PendingEvent[]): void {
    this.#waiting.push(events)
  }

  /** Begins the first that waits, if nothing is before it any more. */
  begin(): void {
    const { keys } = this.#options
    this.#waiting = this.#waiting.filter((events) => events.some(({ state }) => state === 'held'))
    const [first] = this.#waiting
    if (this.#running || first === undefined || !keys.areNext(first)) return
    this.#waiting.shift()
    this.#running = true
    for (const event of first) {
      event.state = 'flying'
      keys.take(event, this.#number)
    }
    this.#number--
    void this.#run(first)
  }

  async #run(events: readonly PendingEvent[]): Promise<void> {
    const { sender, maxRetries, wait, onWritten, onFailed, onEnd } = this.#options
    let result: TransactionResult = await sender.send(events)
    for (let retry = 1; !result.ok; retry++) {
      const { outcome, error } = result
      // Who has taken its id over is not to be fenced in turn.
      if (outcome === 'unknown' || error.code === 'PRODUCER_FENCED' || !mayBeSentAgain({ error }) || retry > maxRetries) break
      for (const event of events) event.between = outcome
      if (!(await wait(retry, error, events.length))) break
      for (const event of events) event.between = undefined
      result = await sender.send(events)
    }
    for (const event of events) {
      if (!result.ok) onFailed(event, transactionFailed(event, result), true)
      else onWritten(event, result.places.get(event) as { readonly partition: number; readonly offset: number })
    }
    this.#running = false
    onEnd()
  }
}
