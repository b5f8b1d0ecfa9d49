import type { EventBuffer } from './event-buffer.ts'
import type { PendingEvent } from './pending-event.ts'
import { notSent } from './publish-failures.ts'
import type { PublishError } from './publish-error.ts'
import type { Transactions } from './transactions.ts'
import type { WaitingEvents } from './waiting-events.ts'

export interface ExpiryOptions {
  readonly deliveryTimeoutMs: number
  readonly waiting: Pick<WaitingEvents, 'oldest'>
  readonly transactions: Pick<Transactions, 'expire' | 'expireAt'> | undefined
  readonly reject: (event: PendingEvent, error: PublishError, forGood: boolean) => void
}

/** Gives up what has waited for too long: for a flush, for room, or for its transaction. */
export class Expiry {
  readonly #options: ExpiryOptions

  constructor(options: ExpiryOptions) {
    this.#options = options
  }

  /** `buffer`: that of who waits for room. */
  expire(buffer: EventBuffer, now: number): void {
    const { deliveryTimeoutMs, waiting, transactions, reject } = this.#options
    for (let { oldest } = waiting; oldest !== undefined && oldest.arrivedAt + deliveryTimeoutMs <= now; { oldest } = waiting)
      reject(oldest, notSent(oldest, `it has waited for ${deliveryTimeoutMs} ms (deliveryTimeoutMs)`), false)
    for (const event of buffer.expire(now - deliveryTimeoutMs))
      reject(event, notSent(event, `there was no room for it for ${deliveryTimeoutMs} ms (deliveryTimeoutMs)`), false)
    transactions?.expire(now)
  }

  /** In how many milliseconds something is to be given up. */
  nextMs(buffer: EventBuffer, now: number): number {
    const { deliveryTimeoutMs, waiting, transactions } = this.#options
    const oldest = Math.min(waiting.oldest?.arrivedAt ?? Infinity, buffer.waitingSince)
    return Math.max(0, Math.min(oldest + deliveryTimeoutMs, transactions?.expireAt ?? Infinity) - now)
  }
}
