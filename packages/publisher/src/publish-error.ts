import { type ErrorDetails, MillraceError } from '@millrace/core'

/**
 * Whether the event may be in its topic. `not-sent`: it was never handed over; `refused`: it was, and is not there; `unknown`: nobody answered, so that it
 * may be there or come there yet.
 */
export type FailedOutcome = 'not-sent' | 'refused' | 'unknown'

/** What a {@link PublishError} concerns. */
export interface PublishErrorDetails extends Omit<ErrorDetails, 'stage'> {
  readonly outcome: FailedOutcome
  /** Its id, where it had one already. */
  readonly eventId?: string | undefined
  /** Its type. */
  readonly eventType?: string | undefined
  /** Default: false. */
  readonly overtaken?: boolean | undefined
  /** Default: false. */
  readonly kept?: boolean | undefined
}

/** An event was not published, or nobody knows. */
export class PublishError extends MillraceError {
  override readonly name = 'PublishError'
  readonly outcome: FailedOutcome
  readonly eventId: string | undefined
  readonly eventType: string | undefined
  /** Later events of its key are in the topic already: sent again, it comes behind them. */
  readonly overtaken: boolean
  /** The outbox has it, and sends it when a publisher is opened on it again. */
  readonly kept: boolean

  constructor(code: string, message: string, details: PublishErrorDetails) {
    const { outcome, eventId, eventType, overtaken = false, kept = false, ...others } = details
    super(code, message, { ...others, stage: 'sink' })
    this.outcome = outcome
    this.eventId = eventId
    this.eventType = eventType
    this.overtaken = overtaken
    this.kept = kept
  }
}
