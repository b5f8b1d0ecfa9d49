import { MillraceError } from '@millrace/core'
import type { ClientError } from '../client/client-error.ts'

/** The log knows why, and the error only that. */
export function connectionError(facts: {
  readonly brokers: string
  readonly seconds: number
  readonly complaint: string | undefined
  readonly error: ClientError
}): MillraceError {
  const { brokers, seconds, complaint, error } = facts
  const reason = complaint ?? error.message
  if (error.kind === 'authentication' || /authenticat|sasl|ssl handshake|certificate/i.test(reason)) {
    const message = `Kafka at ${brokers} refused the connection: ${reason}. Check the security settings in the client options of kafka().`
    return new MillraceError('KAFKA_AUTHENTICATION', message, { stage: 'source', cause: error })
  }
  const message = `Kafka can't be reached at ${brokers} within ${seconds} s: ${reason}. Is it running, and is the address right?`
  return new MillraceError('BROKER_UNREACHABLE', message, { stage: 'source', retryable: true, cause: error })
}
