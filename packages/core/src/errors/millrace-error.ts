import type { Stage } from './stage.ts'

/** What an error concerns, as far as it is known. */
export interface ErrorDetails {
  readonly stage: Stage
  /** Whether the same operation may succeed when it is tried again. Default: false. */
  readonly retryable?: boolean | undefined
  readonly cause?: unknown
  readonly node?: string | undefined
  readonly task?: string | undefined
  readonly topic?: string | undefined
  readonly partition?: number | undefined
  readonly offset?: number | undefined
}

/**
 * The failure of an operation (a programmer's mistake is a `TypeError` or a {@link TopologyError} instead).
 * `code` is stable: match on it, never on the message.
 */
export class MillraceError extends Error {
  override readonly name: string = 'MillraceError'
  readonly code: string
  readonly stage: Stage
  readonly retryable: boolean
  readonly node: string | undefined
  readonly task: string | undefined
  readonly topic: string | undefined
  readonly partition: number | undefined
  readonly offset: number | undefined

  constructor(code: string, message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.stage = details.stage
    this.retryable = details.retryable ?? false
    this.node = details.node
    this.task = details.task
    this.topic = details.topic
    this.partition = details.partition
    this.offset = details.offset
  }
}
