import type { Headers } from '@millrace/core'
import type { PublishReceipt } from './events.ts'
import type { PublishError } from './publish-error.ts'

/** An event that is not settled yet, as bytes. */
export interface PendingEvent {
  readonly id: string
  readonly type: string
  readonly topic: string
  readonly key: Uint8Array | null
  /** What stands for its key; undefined: it has none, and no order. */
  readonly lane: string | undefined
  readonly value: Uint8Array
  readonly headers: Headers
  readonly timestamp: number
  readonly high: boolean
  readonly critical: boolean
  /** Of key, value and headers. */
  readonly bytes: number
  /** Where the outbox has it. */
  stored?: number | undefined
  /** Ascends in the order in which events were taken. */
  sequence: number
  /** By the clock that only goes forwards. */
  arrivedAt: number
  /** `new`: it waits for room; `held`: for its transaction. */
  state: 'new' | 'waiting' | 'held' | 'flying' | 'settled'
  readonly resolve: (receipt: PublishReceipt) => void
  readonly reject: (error: PublishError) => void
}
