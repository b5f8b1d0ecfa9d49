import { type Clock, type Logger, settledWithin } from '@millrace/core'
import type { KeptEvents } from './outbox/kept-events.ts'
import type { PublishError } from './publish-error.ts'
import type { CloseReport, UnsentEvent } from './publisher.ts'
import { UnsentEvents } from './unsent-events.ts'

/** What is left of the time to close for letting go of the transport. */
const LETTING_GO_MS = 1_000

export interface ClosingOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly clientId: string
  readonly kept: KeptEvents | undefined
  /** Sends what is pending. */
  readonly flush: () => Promise<void>
  /** Nothing is sent from now on. */
  readonly stop: () => void
  /** Whether something is not settled. */
  readonly hasPending: () => boolean
  /** Ends what is under way, and rejects what is left of it. */
  readonly giveUp: (timeoutMs: number) => void
  readonly letGo: () => Promise<unknown>
}

/** How a publisher ends: it takes nothing, sends what it has, gives up what there is no time for, lets go of everything, and says what was not sent. */
export class Closing {
  readonly #options: ClosingOptions
  readonly #unsent = new UnsentEvents()
  #report: Promise<CloseReport> | undefined

  constructor(options: ClosingOptions) {
    this.#options = options
  }

  /** Nothing is taken any more. */
  get begun(): boolean {
    return this.#report !== undefined
  }

  /** An event was given up. */
  failed(event: Pick<UnsentEvent, 'id' | 'type' | 'topic'>, error: PublishError): void {
    if (this.begun) this.#unsent.add(event, error)
  }

  begin(timeoutMs: number): Promise<CloseReport> {
    this.#report ??= this.#close(timeoutMs)
    return this.#report
  }

  async #close(timeoutMs: number): Promise<CloseReport> {
    const { clock, logger, clientId, kept, flush, stop, hasPending, giveUp, letGo } = this.#options
    const until = clock.monotonic() + timeoutMs
    const within = (work: Promise<unknown>, leastMs: number) => settledWithin(work, Math.max(leastMs, until - clock.monotonic()), clock)
    // Takes effect before anything else can happen: nothing is taken from here on.
    await Promise.resolve()
    if (kept !== undefined) await within(kept.opened, 0)
    await within(flush(), 0)
    stop()
    // What is said to be kept is on disk. Flights end behind that: what they give up then is among what is left.
    if (kept !== undefined && hasPending()) await within(kept.written(), LETTING_GO_MS)
    giveUp(timeoutMs)
    await within(letGo(), LETTING_GO_MS)
    const unsent = this.#unsent.all
    logger.info({ publisher: clientId, unsent: unsent.length }, 'the publisher was closed')
    return { unsent }
  }
}
