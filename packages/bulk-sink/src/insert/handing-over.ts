import { asError, type Clock, MillraceError, settledWithin } from '@millrace/core'
import type { DispatcherOptions } from './dispatcher-options.ts'
import type { Entry } from './entry.ts'
import type { RejectedEntry } from './inserter.ts'

/** A row that is given up could not be let go. */
export class NotHandedOver extends MillraceError {
  override readonly name = 'NotHandedOver'

  constructor(table: string, cause: unknown) {
    const { message } = asError(cause)
    super('ROW_NOT_HANDED_OVER', `A row of '${table}' that is given up could not be handed over: ${message}`, {
      stage: 'sink',
      retryable: true,
      cause,
    })
  }
}

export interface HandingOverOptions extends Pick<DispatcherOptions, 'onRejected'> {
  readonly clock: Clock
  /** How long it may take, in milliseconds. */
  readonly limitMs: () => number
}

/** Hands over rows that are given up, each for no longer than it may take: what hangs must not keep others from being inserted. */
export class HandingOver {
  readonly #options: HandingOverOptions
  /** Calls that have not failed: one that took too long is waited for the next time, and not made again. */
  readonly #calls = new WeakMap<Entry, Promise<void>>()

  constructor(options: HandingOverOptions) {
    this.#options = options
  }

  /** Rejects with {@link NotHandedOver} if that failed, or has not ended in time. */
  async give(table: string, rejected: RejectedEntry): Promise<void> {
    const { clock, limitMs } = this.#options
    const mostMs = limitMs()
    const call = this.#calls.get(rejected.entry) ?? this.#call(table, rejected)
    if (!(await settledWithin(call, mostMs, clock)))
      throw new NotHandedOver(table, new Error(`it took longer than ${mostMs} ms (insertTimeoutMs)`))
    await call
  }

  #call(table: string, rejected: RejectedEntry): Promise<void> {
    const { entry } = rejected
    const call = this.#options.onRejected(table, rejected).catch((error: unknown) => {
      this.#calls.delete(entry)
      throw new NotHandedOver(table, error)
    })
    call.catch(() => undefined)
    this.#calls.set(entry, call)
    return call
  }
}
