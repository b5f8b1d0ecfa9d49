import { type ErrorDetails, MillraceError, type Stage, type TopicPartition, type TopicPartitionOffset } from '@millrace/core'
import { ClientError, type ClientErrorKind } from '../client/client-error.ts'

interface Meaning {
  readonly code: string
  readonly retryable: boolean
  /** What the user can do. */
  readonly advice?: string
}

const MEANINGS: Readonly<Record<ClientErrorKind, Meaning>> = {
  unreachable: { code: 'BROKER_UNREACHABLE', retryable: true },
  'timed-out': { code: 'TIMED_OUT', retryable: true },
  'no-answer': { code: 'TIMED_OUT', retryable: true },
  authentication: {
    code: 'KAFKA_AUTHENTICATION',
    retryable: false,
    advice: 'check the security settings in the client options of kafka()',
  },
  'not-authorized': { code: 'NOT_AUTHORIZED', retryable: false, advice: "check the cluster's access control" },
  'unknown-topic': { code: 'UNKNOWN_TOPIC', retryable: false, advice: 'create the topic first' },
  'topic-exists': { code: 'TOPIC_EXISTS', retryable: false },
  'offset-out-of-range': { code: 'OFFSET_OUT_OF_RANGE', retryable: false },
  'not-fetching': { code: 'KAFKA_ERROR', retryable: true },
  rebalancing: { code: 'COMMIT_REFUSED', retryable: true },
  'member-gone': { code: 'COMMIT_REFUSED', retryable: false },
  'unstable-offset': { code: 'TIMED_OUT', retryable: true },
  'poll-too-late': { code: 'POLL_TOO_LATE', retryable: true },
  'record-too-large': {
    code: 'RECORD_TOO_LARGE',
    retryable: false,
    advice: 'raise max.message.bytes of the topic and message.max.bytes of the producer',
  },
  'queue-full': { code: 'WRITE_QUEUE_FULL', retryable: true },
  fenced: { code: 'PRODUCER_FENCED', retryable: false, advice: 'another instance has taken over: close the writer and open another' },
  abortable: { code: 'TRANSACTION_ABORTABLE', retryable: false, advice: 'the transaction can only be aborted' },
  fatal: { code: 'KAFKA_FATAL', retryable: false },
  transient: { code: 'KAFKA_ERROR', retryable: true },
  other: { code: 'KAFKA_ERROR', retryable: false },
}

/** An error of the client in Millrace's terms; a `MillraceError` or a `TypeError` stays as it is. `doing` completes "Kafka could not ...". */
export function kafkaError(doing: string, error: unknown, details: Omit<ErrorDetails, 'cause'>): Error {
  if (error instanceof MillraceError || error instanceof TypeError) return error
  if (!(error instanceof ClientError)) {
    const reason = error instanceof Error ? error.message : String(error)
    return new MillraceError('KAFKA_ERROR', `Kafka could not ${doing}: ${reason}.`, { ...details, cause: error })
  }
  const { code, retryable, advice } = MEANINGS[error.kind]
  const message = `Kafka could not ${doing}: ${numbered(error)}${advice === undefined ? '' : `; ${advice}`}.`
  return new MillraceError(code, message, { retryable, ...details, cause: error })
}

/** With its code, unless there is none, or the client has said it. */
function numbered({ message, code }: ClientError): string {
  const numberOf = `(code ${code})`
  return code === 0 || message.includes(numberOf) ? message : `${message} ${numberOf}`
}

/** Why a record was not delivered. A client that has tried until its time was over does not say what it was answered. */
export function undelivered(error: ClientError, { topic, partition }: TopicPartition): MillraceError {
  const isKnown = partition >= 0
  const details = { stage: 'sink', topic, partition: isKnown ? partition : undefined } as const
  const doing = `deliver a record to ${isKnown ? `${topic}-${partition}` : `topic '${topic}'`}`
  if (error.kind !== 'timed-out') return kafkaError(doing, error, details) as MillraceError
  const reason = `${numbered(error)}; its leader could not be reached, or fewer of its replicas are in sync than min.insync.replicas asks for`
  return new MillraceError('TIMED_OUT', `Kafka could not ${doing}: ${reason}.`, { ...details, retryable: true, cause: error })
}

export function closed(stage: Stage, what: string): MillraceError {
  return new MillraceError('CLOSED', `The ${what} has been closed.`, { stage })
}

/** `reason`: as the client tells it, where it does. */
export function offsetOutOfRange(
  { topic, partition, offset }: TopicPartitionOffset,
  lost: { readonly range: { readonly from: number; readonly to: number } | undefined; readonly reason: string | undefined },
  groupId: string | undefined,
): MillraceError {
  const { range } = lost
  const isThere = range === undefined || (offset >= range.from && offset <= range.to)
  const held = range === undefined ? '' : `: the partition holds ${range.from} to ${range.to}`
  const where = `Offset ${offset} of ${topic}-${partition} ${isThere ? "can't be read on from" : 'is out of range'}${held}.`
  const why =
    isThere && lost.reason !== undefined
      ? `${lost.reason}${lost.reason.endsWith('.') ? '' : '.'}`
      : 'Its records were deleted before they were read, or the topic was made anew.'
  const advice =
    groupId === undefined
      ? 'Read on at an offset that is there.'
      : `To go on elsewhere, stop all members of group '${groupId}' and set its offset for this partition, for one with Kafka's kafka-consumer-groups --reset-offsets.`
  return new MillraceError('OFFSET_OUT_OF_RANGE', `${where} ${why} ${advice}`, { stage: 'source', topic, partition, offset })
}

export function unknownTopic(stage: Stage, topic: string, retryable: boolean): MillraceError {
  return new MillraceError('UNKNOWN_TOPIC', `Topic '${topic}' does not exist, or this client may not see it: create it first.`, {
    stage,
    topic,
    retryable,
  })
}
