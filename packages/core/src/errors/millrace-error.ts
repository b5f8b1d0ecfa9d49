import type { Stage } from './stage.ts'

/** What an error concerns, as far as it is known. */
export interface ErrorDetails {
  readonly stage: Stage
  /** Whether the same operation may succeed when it is tried again. Default: false. */
  readonly retryable?: boolean | undefined
  /** What it was caused by, mostly an error of the client or of the processor. */
  readonly cause?: unknown
  /** Name of the node of the topology. */
  readonly node?: string | undefined
  /** Id of the task, such as `0_3`. */
  readonly task?: string | undefined
  /** Topic of the record or of the operation. */
  readonly topic?: string | undefined
  /** Partition of the record or of the operation. */
  readonly partition?: number | undefined
  /** Offset of the record in that partition. */
  readonly offset?: number | undefined
}

/**
 * The failure of an operation (a programmer's mistake is a `TypeError` or a {@link TopologyError} instead).
 * `code` is stable: match on it, never on the message.
 */
export class MillraceError extends Error {
  override readonly name: string = 'MillraceError'
  /** Stable, such as `COMMIT_REFUSED`. */
  readonly code: string
  /** Where in the pipeline it happened. */
  readonly stage: Stage
  /** Whether the same operation may succeed when it is tried again. */
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
