import { type Deferred, MillraceError } from '@millrace/core'
import type { PublishReceipt } from './events.ts'
import { isOfTheRecord, type Undelivered } from './flight.ts'
import type { PendingEvent } from './pending-event.ts'
import { type FailedOutcome, PublishError } from './publish-error.ts'

/** An event that nobody was handed, or everybody refused. */
export function notSent(
  { id, type, topic, kept }: Pick<PendingEvent, 'id' | 'type' | 'topic' | 'kept'>,
  reason: string,
  outcome: 'not-sent' | 'refused' = 'not-sent',
): PublishError {
  return new PublishError('NOT_SENT', `An event of type '${type}' was not sent: ${reason}. It is not in topic '${topic}'.`, {
    outcome,
    kept,
    retryable: true,
    eventId: id,
    eventType: type,
    topic,
  })
}

/** An event that was handed over, and not acknowledged. */
export function deliveryFailed(event: PendingEvent, delivery: Undelivered, overtaken: boolean): PublishError {
  const { id, type, topic, kept } = event
  const { error, unopened } = delivery
  const details = { eventId: id, eventType: type, topic, partition: error.partition, cause: error, overtaken }
  const behind = overtaken ? ' Later events of its key are there already: sent again, it comes behind them.' : ''
  // Of the tries before this one, too, none may have been left without an answer.
  if (delivery.outcome === 'refused' && event.doubtful !== true)
    return new PublishError(
      error.code,
      `An event of type '${type}' was ${unopened === true ? 'not sent' : 'refused'}: ${error.message}${behind}`,
      {
        ...details,
        outcome: unopened === true ? 'not-sent' : 'refused',
        retryable: error.retryable && !overtaken,
        kept: kept === true && !isOfTheRecord(delivery),
      },
    )
  const message = `Nobody knows whether an event of type '${type}' is in topic '${topic}': ${error.message} Sent again it may be there twice, and comes behind what was published since; consumers tell repeats by its id, ${id}.${behind}`
  return new PublishError('DELIVERY_UNKNOWN', message, {
    ...details,
    outcome: 'unknown',
    retryable: false,
    kept: kept === true && !isOfTheRecord(delivery),
  })
}

/** An event of a transaction that was not committed, as far as is known. */
export function transactionFailed(
  { id, type, topic }: Pick<PendingEvent, 'id' | 'type' | 'topic'>,
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

/** An event of a transaction that what is before it in its keys was in the way of for too long; `before`: one of that. */
export function waitedTooLong(event: PendingEvent, before: PendingEvent | undefined, deliveryMs: number): PublishError {
  const which = before === undefined ? '' : `, an event of type '${before.type}' for topic '${before.topic}'`
  const why = before?.failure === undefined ? '.' : `: ${before.failure.message}`
  const reason = `it has waited for ${deliveryMs} ms (deliveryTimeoutMs) for what is before it in its keys${which}${why}`
  const error = new MillraceError('NOT_SENT', reason, { stage: 'commit', retryable: true, cause: before?.failure })
  return transactionFailed(event, { outcome: 'not-sent', error })
}

/** What became of an event of a transaction, told as what became of that; `error`: as it would be told of an event by itself. */
export function ofTransaction(event: Pick<PendingEvent, 'id' | 'type' | 'topic'>, error: PublishError): PublishError {
  return error.code === 'TRANSACTION_FAILED' ? error : transactionFailed(event, { outcome: error.outcome, error })
}

/** Tells who waits for it. Who does not is not ended by it: it is logged. */
export function rejectQuietly({ promise, reject }: Deferred<PublishReceipt>, error: PublishError): void {
  promise.catch(() => undefined)
  reject(error)
}

export function needsTransactionalId(): TypeError {
  return new TypeError('publishTransaction needs the option transactionalId: a name that no other process has.')
}

export function alreadyClosed(type: string): PublishError {
  return new PublishError('PUBLISHER_CLOSED', `An event of type '${type}' was not taken: the publisher is closed, or being closed.`, {
    outcome: 'not-sent',
    eventType: type,
  })
}

/** An event that was pending when the publisher was closed. */
export function closedBefore(event: PendingEvent, timeoutMs: number): PublishError {
  const outcome = outcomeOf(event)
  const reason = `the publisher was closed, and ${timeoutMs} ms did not suffice for it`
  return outcome === 'unknown'
    ? deliveryFailed(event, { outcome, error: notSent(event, reason) }, false)
    : notSent(event, outcome === 'refused' ? `all tries of it were refused, ${reason}` : reason, outcome)
}

/** Whether an event that is pending may be in its topic. */
function outcomeOf({ state, doubtful, between }: PendingEvent): FailedOutcome {
  if (doubtful === true) return 'unknown'
  return state === 'flying' ? (between ?? 'unknown') : 'not-sent'
}
