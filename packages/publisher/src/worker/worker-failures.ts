import { PublishError } from '../publish-error.ts'
import type { SentEvent } from './sent-event.ts'

/** What a worker had that died; `wasReady`: it may have sent something. */
export function workerDied(event: SentEvent | undefined, why: string, wasReady: boolean): PublishError {
  const maybe = wasReady ? 'what it had may have been sent or not' : 'nothing of what it had was sent'
  return new PublishError('WORKER_DIED', `The worker of the publisher died, ${why}: ${maybe}. The next event starts another.`, {
    outcome: wasReady ? 'unknown' : 'not-sent',
    retryable: !wasReady,
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
