import type { Deferred } from '@millrace/core'
import type { PublishReceipt } from '../events.ts'
import type { CallMessage, EventMessage } from './messages.ts'

/** An event that is with the worker, or waits for room. */
export interface SentEvent {
  readonly id: string
  readonly type: string
  readonly topic: string
  readonly lane: string | undefined
  readonly bytes: number
  /** Goes to the worker at once. */
  readonly critical: boolean
  readonly arrivedAt: number
  readonly message: EventMessage
  readonly answer: Deferred<PublishReceipt> | undefined
  /** The worker has it: what becomes of it is known from that alone. */
  handedOver: boolean
  /** Its bytes are made by the worker, or those of another of its transaction, which may not be able to: until then it does not count as taken. */
  countedLate: boolean
  /** Which calls of `forceFlush` it was published before: see `ForcedFlushes`. */
  epoch: number
}

/** Something that the worker is to answer. */
export interface Call {
  readonly message: CallMessage
  /** Those of a transaction. */
  readonly events: readonly SentEvent[]
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
  handedOver: boolean
}
