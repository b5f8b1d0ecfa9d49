import type { Delivery } from '@millrace/core'
import type { PendingEvent } from './pending-event.ts'
import { PublishError } from './publish-error.ts'

/** An event that nobody was handed. */
export function notSent({ id, type, topic }: PendingEvent, reason: string): PublishError {
  return new PublishError('NOT_SENT', `An event of type '${type}' was not sent: ${reason}. It is not in topic '${topic}'.`, {
    outcome: 'not-sent',
    retryable: true,
    eventId: id,
    eventType: type,
    topic,
  })
}

/** An event that was handed over, and not acknowledged. */
export function deliveryFailed(
  { id, type, topic }: PendingEvent,
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
  return new PublishError('DELIVERY_UNKNOWN', message, { ...details, outcome, retryable: false })
}

export function alreadyClosed(type: string): PublishError {
  return new PublishError('PUBLISHER_CLOSED', `An event of type '${type}' was not taken: the publisher is closed, or being closed.`, {
    outcome: 'not-sent',
    eventType: type,
  })
}
