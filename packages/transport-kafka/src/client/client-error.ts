import type { TopicPartition } from '@millrace/core'

/**
 * What went wrong, in words that every client library has: what the rest of this package decides by. Codes differ between libraries; each
 * adapter translates its own, once.
 */
export type ClientErrorKind =
  | 'unreachable'
  /** Said by a broker or the client library: nothing more will come of the call. */
  | 'timed-out'
  /** We have stopped to wait: the call may be under way still. */
  | 'no-answer'
  | 'authentication'
  | 'not-authorized'
  | 'unknown-topic'
  | 'topic-exists'
  | 'offset-out-of-range'
  | 'not-fetching'
  | 'rebalancing'
  | 'member-gone'
  | 'unstable-offset'
  | 'poll-too-late'
  | 'record-too-large'
  | 'queue-full'
  | 'fenced'
  | 'abortable'
  | 'fatal'
  | 'transient'
  | 'other'

export interface ClientErrorDetails {
  readonly kind: ClientErrorKind
  /** The code of Kafka's protocol (positive) or the library's own (negative), for logs. */
  readonly code: number
  readonly cause?: unknown
  /** The partition that could not be read, where the library says which. */
  readonly partition?: TopicPartition | undefined
}

/** A failure as the client library told it. It never leaves the package: see `kafkaError`. */
export class ClientError extends Error {
  override readonly name = 'ClientError'
  readonly kind: ClientErrorKind
  readonly code: number
  readonly partition: TopicPartition | undefined

  constructor(message: string, details: ClientErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.kind = details.kind
    this.code = details.code
    this.partition = details.partition
  }
}
