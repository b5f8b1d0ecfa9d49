/** What went wrong, by what there is to do about it. */
export type PackedErrorKind =
  /** No broker, or not the one that is needed, could be reached. */
  | 'unreachable'
  | 'timed-out'
  | 'authentication'
  | 'not-authorized'
  | 'unknown-topic'
  | 'topic-exists'
  /** The group has members, or they read these topics. */
  | 'group-in-use'
  /** The partition does not hold this offset. */
  | 'offset-out-of-range'
  /** The partition once held other records up to this offset, which a leader has lost since (KIP-320). */
  | 'truncated'
  /** The broker, or the topic, takes no record of this size. */
  | 'record-too-large'
  /** The broker refuses these records, and would again. */
  | 'record-refused'
  /** Records before these were lost: the broker does not take what follows, and nobody can tell whether it has. */
  | 'sequence-broken'
  /** Another writer of the same transactional id has taken over, or the broker has ended what this one began: it is over. */
  | 'fenced'
  /** The transaction can't be committed: abort it, and begin again from what was committed last. */
  | 'abortable'
  /** The writer is of no use any more: open another. */
  | 'fatal'
  /** This is no member of the group, or not of its present generation. */
  | 'not-member'
  /** What the broker sent can't be read. */
  | 'malformed'
  /** The broker is too old, or too new. */
  | 'unsupported'
  /** It passes by itself. */
  | 'transient'
  | 'closed'
  | 'other'

const RETRIABLE: ReadonlySet<PackedErrorKind> = new Set<PackedErrorKind>(['unreachable', 'timed-out', 'transient'])

/** By which a record that an error is about can be found again. */
export interface RecordPlace {
  readonly topic: string
  readonly partition: number
  readonly key: Uint8Array | null
  /** Milliseconds since the epoch. */
  readonly timestamp: number
}

/** What a {@link PackedError} is made of. */
export interface PackedErrorDetails {
  readonly kind: PackedErrorKind
  /** The error code of Kafka's protocol; 0 where none was said. Default: 0. */
  readonly code?: number | undefined
  /** What it was caused by. */
  readonly cause?: unknown
  /** The record it is about, where it is about one. Default: none. */
  readonly record?: RecordPlace | undefined
}

/** A failure of the packed client. */
export class PackedError extends Error {
  override readonly name = 'PackedError'
  readonly kind: PackedErrorKind
  /** The error code of Kafka's protocol; 0 where none was said. */
  readonly code: number
  /** Whether the same may succeed when it is tried again. */
  readonly retriable: boolean
  /** The record it is about, such as the first for which a transaction can't be committed; undefined: it is about none. */
  readonly record: RecordPlace | undefined

  constructor(message: string, { kind, code = 0, cause, record }: PackedErrorDetails) {
    super(message, cause === undefined ? undefined : { cause })
    this.kind = kind
    this.code = code
    this.retriable = RETRIABLE.has(kind)
    this.record = record
  }
}
