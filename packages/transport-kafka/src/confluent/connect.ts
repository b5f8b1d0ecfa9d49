import { MillraceError } from '@millrace/core'
import { ClientError } from '../client/client-error.ts'
import type { ClientLog } from './client-log.ts'
import { promised } from './promised.ts'
import type { RawClient } from './raw-api.ts'
import { toClientError } from './to-client-error.ts'

/** What the library has for properties that contradict each other: the one of producers, the other of consumers. */
const CONTRADICTIONS: ReadonlySet<number> = new Set([-172, -1])

/** Makes a client. Throws a `TypeError` for properties that it does not know, or values that it does not take. */
export function make<T>(part: string, construct: () => T): T {
  try {
    return construct()
  } catch (error) {
    throw badProperties(part, error)
  }
}

/** Connects a new client, or rejects within the time given with a sentence that names the address and the cause. */
export async function connect(
  client: RawClient,
  log: ClientLog,
  { part, brokers, connectTimeoutMs }: { readonly part: string; readonly brokers: string; readonly connectTimeoutMs: number },
): Promise<void> {
  log.listen(client)
  try {
    // Metadata of all topics, the library's default, is much on a big cluster; brokers alone prove the connection as well.
    await promised('connect', connectTimeoutMs, (callback) => client.connect({ allTopics: false, timeout: connectTimeoutMs }, callback))
    log.connected()
  } catch (error) {
    // Properties that contradict each other are found here, before there is any connection.
    if (error instanceof ClientError && CONTRADICTIONS.has(error.code)) throw badProperties(part, error)
    throw connectionError({ brokers, seconds: connectTimeoutMs / 1000, complaint: log.lastComplaint, error })
  }
}

function badProperties(part: string, error: unknown): TypeError {
  const reason = error instanceof Error ? error.message : String(error)
  return new TypeError(`The properties that kafka() was given make no ${part}: ${reason}.`, { cause: error })
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
  return new MillraceError('BROKER_UNREACHABLE', message, { stage: 'source', retryable: true, cause: error })
}
