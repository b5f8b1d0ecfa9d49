import { PublishError } from '../publish-error.ts'
import type { SentEvent } from './sent-event.ts'

/** What a worker that died had, or was to have. */
export function workerDied(event: SentEvent | undefined, why: string): PublishError {
  const handedOver = event?.handedOver === true
  const message = handedOver
    ? 'it had this event, which may have been sent or not'
    : 'it had not begun, and this event was not handed to it'
  return new PublishError('WORKER_DIED', `The worker of the publisher died, ${why}: ${message}. The next event starts another.`, {
    outcome: handedOver ? 'unknown' : 'not-sent',
    retryable: !handedOver,
    eventId: event?.id,
    eventType: event?.type,
    topic: event?.topic,
  })
}

/** What a worker had that was not heard of until the publisher was closed. */
export function unanswered(event: SentEvent | undefined): PublishError {
  return new PublishError('DELIVERY_UNKNOWN', 'The worker of the publisher has not answered in time.', {
    outcome: 'unknown',
    eventId: event?.id,
    eventType: event?.type,
    topic: event?.topic,
  })
}
