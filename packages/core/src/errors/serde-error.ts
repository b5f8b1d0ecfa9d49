import { MillraceError } from './millrace-error.ts'

/** A value that can't be turned into bytes, or bytes that are not such a value. `serde` names who refused it. */
export class SerdeError extends MillraceError {
  override readonly name = 'SerdeError'
  readonly serde: string

  constructor(serde: string, direction: 'serialize' | 'deserialize', message: string, cause?: unknown) {
    super(direction === 'serialize' ? 'SERIALIZATION_FAILED' : 'DESERIALIZATION_FAILED', `${serde}: ${message}`, {
      stage: direction === 'serialize' ? 'sink' : 'source',
      cause,
    })
    this.serde = serde
  }
}
