import { type ErrorDetails, MillraceError } from '@millrace/core'
import type { RawError } from './raw-client.ts'

/** Codes of librdkafka (negative) and Kafka that are told apart. */
export const CODE = {
  ASSIGN_PARTITIONS: -175,
  REVOKE_PARTITIONS: -174,
  QUEUE_FULL: -184,
  TIMED_OUT: -185,
  PARTITION_EOF: -191,
  ALL_BROKERS_DOWN: -187,
  TRANSPORT: -195,
  RESOLVE: -193,
  STATE: -172,
  FATAL: -150,
  FENCED: -144,
  AUTO_OFFSET_RESET: -140,
  NO_OFFSET: -168,
  UNKNOWN_PARTITION: -190,
  UNKNOWN_TOPIC: -188,
  MAX_POLL_EXCEEDED: -147,
  OFFSET_OUT_OF_RANGE: 1,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  MSG_SIZE_TOO_LARGE: 10,
  TOPIC_ALREADY_EXISTS: 36,
  INVALID_PRODUCER_EPOCH: 47,
  PRODUCER_FENCED: 90,
} as const

/** Kafka's and librdkafka's codes after which the same call may succeed. */
const RETRYABLE: ReadonlySet<number> = new Set([
  -196, -195, -193, -192, -187, -185, -180, -172, 3, 5, 6, 7, 8, 9, 13, 14, 15, 16, 19, 20, 22, 25, 27, 41, 51, 56, 74, 75, 77, 78, 79, 82,
  88, 113,
])

const NAMES: Readonly<Record<number, string>> = {
  [CODE.AUTO_OFFSET_RESET]: 'OFFSET_OUT_OF_RANGE',
  [CODE.OFFSET_OUT_OF_RANGE]: 'OFFSET_OUT_OF_RANGE',
  [CODE.UNKNOWN_TOPIC_OR_PARTITION]: 'UNKNOWN_TOPIC',
  [CODE.UNKNOWN_PARTITION]: 'UNKNOWN_TOPIC',
  [CODE.UNKNOWN_TOPIC]: 'UNKNOWN_TOPIC',
  [CODE.FENCED]: 'PRODUCER_FENCED',
  [CODE.INVALID_PRODUCER_EPOCH]: 'PRODUCER_FENCED',
  [CODE.PRODUCER_FENCED]: 'PRODUCER_FENCED',
  [CODE.MSG_SIZE_TOO_LARGE]: 'RECORD_TOO_LARGE',
  [CODE.TIMED_OUT]: 'TIMED_OUT',
  [CODE.TRANSPORT]: 'BROKER_UNREACHABLE',
  [CODE.ALL_BROKERS_DOWN]: 'BROKER_UNREACHABLE',
  [CODE.RESOLVE]: 'BROKER_UNREACHABLE',
}

/** An error of the client in Millrace's terms. `doing` completes "Kafka refused to ...". */
export function kafkaError(doing: string, error: unknown, details: Omit<ErrorDetails, 'cause' | 'retryable'>): MillraceError {
  if (error instanceof MillraceError) return error
  const { code = 0, message = String(error), isFatal = false, isRetriable = false, isTxnRequiresAbort = false } = error as Partial<RawError>
  const name = isTxnRequiresAbort
    ? 'TRANSACTION_ABORTABLE'
    : (NAMES[code] ?? (isFatal || code === CODE.FATAL ? 'KAFKA_FATAL' : 'KAFKA_ERROR'))
  return new MillraceError(name, `Kafka could not ${doing}: ${message} (code ${code})`, {
    ...details,
    cause: error,
    retryable: !isFatal && code !== CODE.FATAL && (isRetriable || RETRYABLE.has(code)),
  })
}

/** The broker can't be reached when something is opened. */
export function unreachable(brokers: string, timeoutMs: number, error: unknown): MillraceError {
  const reason = error instanceof Error ? error.message : 'no answer'
  return new MillraceError(
    'BROKER_UNREACHABLE',
    `Kafka at ${brokers} can't be reached within ${timeoutMs} ms (${reason}): is it running, and is the address right?`,
    {
      stage: 'source',
      retryable: true,
      cause: error,
    },
  )
}
