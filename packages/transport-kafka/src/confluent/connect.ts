import { MillraceError } from '@millrace/core'
import type { ResolvedKafkaOptions } from '../options/resolve-options.ts'
import type { ClientLog } from './client-log.ts'
import { promised } from './promised.ts'
import type { RawClient } from './raw-api.ts'
import { toClientError } from './to-client-error.ts'

/** Connects a new client, or rejects within the time given with a sentence that names the address and the cause. */
export async function connect(client: RawClient, log: ClientLog, { brokers, connectTimeoutMs }: ResolvedKafkaOptions): Promise<void> {
  log.listen(client)
  try {
    // Metadata of all topics, the library's default, is much on a big cluster; brokers alone prove the connection as well.
    await promised('connect', connectTimeoutMs, (callback) => client.connect({ allTopics: false, timeout: connectTimeoutMs }, callback))
  } catch (error) {
    throw connectionError({ brokers, seconds: connectTimeoutMs / 1000, complaint: log.lastComplaint, error })
  }
}

/** The log knows why, and the error only that. */
export function connectionError(facts: {
  readonly brokers: string
  readonly seconds: number
  readonly complaint: string | undefined
  readonly error: unknown
}): MillraceError {
  const { brokers, seconds, complaint } = facts
  const error = toClientError(facts.error)
  const reason = complaint ?? error.message
  if (error.kind === 'authentication' || /authenticat|sasl|ssl handshake|certificate/i.test(reason)) {
    const message = `Kafka at ${brokers} refused the connection: ${reason}. Check the security settings in the client options of kafka().`
    return new MillraceError('KAFKA_AUTHENTICATION', message, { stage: 'source', cause: error })
  }
  const message = `Kafka can't be reached at ${brokers} within ${seconds} s: ${reason}. Is it running, and is the address right?`
  return new MillraceError('KAFKA_UNREACHABLE', message, { stage: 'source', retryable: true, cause: error })
}
