import type { Delivery, MillraceError } from '@millrace/core'
import type { PendingEvent } from './pending-event.ts'
import { type FailedOutcome, PublishError } from './publish-error.ts'
import type { UnsentEvent } from './publisher.ts'

/** An event that nobody was handed. */
export function notSent({ id, type, topic, stored }: Pick<PendingEvent, 'id' | 'type' | 'topic' | 'stored'>, reason: string): PublishError {
  return new PublishError('NOT_SENT', `An event of type '${type}' was not sent: ${reason}. It is not in topic '${topic}'.`, {
    outcome: 'not-sent',
    kept: stored !== undefined,
    retryable: true,
    eventId: id,
    eventType: type,
    topic,
  })
}

/** An event that was handed over, and not acknowledged. */
export function deliveryFailed(
  { id, type, topic, stored }: PendingEvent,
  { outcome, error }: Exclude<Delivery, { readonly outcome: 'written' }>,
  overtaken: boolean,
): PublishError {
  const details = { eventId: id, eventType: type, topic, partition: error.partition, cause: error, overtaken }
  const behind = overtaken ? ' Later events of its key are there already: sent again, it comes behind them.' : ''
  if (outcome === 'refused')
    return new PublishError(error.code, `An event of type '${type}' was refused: ${error.message}${behind}`, {
      ...details,
      outcome,
      retryable: error.retryable && !overtaken,
    })
  const message = `Nobody knows whether an event of type '${type}' is in topic '${topic}': ${error.message} Sent again it may be there twice, and comes behind what was published since; consumers tell repeats by its id, ${id}.${behind}`
  return new PublishError('DELIVERY_UNKNOWN', message, { ...details, outcome, retryable: false, kept: stored !== undefined })
}

/** An event of a transaction that was not committed, as far as is known. */
export function transactionFailed(
  { id, type, topic }: PendingEvent,
  { outcome, error }: { readonly outcome: FailedOutcome; readonly error: MillraceError },
): PublishError {
  const what =
    outcome === 'unknown' ? 'Nobody knows whether a transaction was committed' : 'A transaction was not committed, nothing of it is visible'
  return new PublishError('TRANSACTION_FAILED', `${what}: ${error.message} It had an event of type '${type}' for topic '${topic}'.`, {
    outcome,
    retryable: outcome !== 'unknown' && error.retryable,
    eventId: id,
    eventType: type,
    topic,
    cause: error,
  })
}

export function alreadyClosed(type: string): PublishError {
  return new PublishError('PUBLISHER_CLOSED', `An event of type '${type}' was not taken: the publisher is closed, or being closed.`, {
    outcome: 'not-sent',
    eventType: type,
  })
}

/** An event that was pending when the publisher was closed. */
export function closedBefore(event: PendingEvent, timeoutMs: number): PublishError {
  const error = notSent(event, `the publisher was closed, and ${timeoutMs} ms did not suffice for it`)
  return event.state === 'flying' ? deliveryFailed(event, { outcome: 'unknown', error }, false) : error
}

/** What closing says of an event that is pending. */
export function unsentOf({ id, type, topic, state, stored }: PendingEvent): UnsentEvent {
  return { id, type, topic, outcome: state === 'flying' ? 'unknown' : 'not-sent', kept: stored !== undefined }
}
