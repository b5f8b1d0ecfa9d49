import { MillraceError } from './millrace-error.ts'

/** What is known besides the reason. */
export interface SerdeErrorDetails {
  /** The error beneath, such as that of `JSON.parse`. */
  readonly cause?: unknown
  /** Which value of a column is meant. */
  readonly index?: number | undefined
}

/** A value that can't be turned into bytes, or bytes that are not such a value. */
export class SerdeError extends MillraceError {
  override readonly name = 'SerdeError'
  /** Name of the serde that refused it. */
  readonly serde: string
  /** The message without the serde's name. */
  readonly reason: string
  /** Which value of a column it was; absent where a single value was given. */
  readonly index: number | undefined

  constructor(serde: string, direction: 'serialize' | 'deserialize', reason: string, details: SerdeErrorDetails = {}) {
    super(direction === 'serialize' ? 'SERIALIZATION_FAILED' : 'DESERIALIZATION_FAILED', `${serde}: ${reason}`, {
      stage: direction === 'serialize' ? 'sink' : 'source',
      cause: details.cause,
    })
    this.serde = serde
    this.reason = reason
    this.index = details.index
  }
}
