import type { Deferred, Headers, MillraceError } from '@millrace/core'
import type { KeyLane } from './key-lanes.ts'
import type { PublishReceipt } from './events.ts'

/** An event that is not settled yet, serialised. */
export interface PendingEvent {
  readonly id: string
  readonly type: string
  readonly topic: string
  /** Texts are made bytes when it is sent: so many views of short buffers would cost more than all else. */
  readonly key: string | Uint8Array | null
  /** What stands for its key; undefined: it has none, and no order. */
  readonly lane: string | undefined
  readonly value: string | Uint8Array
  /** Besides those of every event. */
  readonly headers: Headers
  readonly timestamp: number
  readonly high: boolean
  /** It is published in a transaction, and fails with that. Default: false. */
  inTransaction?: boolean | undefined
  /** Also where it is in the way of a transaction. */
  critical: boolean
  /** Of key, value and all headers. */
  readonly bytes: number
  /** Where it is in the outbox. */
  stored?: number | undefined
  /** The outbox has it on disk. Default: false. */
  kept?: boolean | undefined
  /** Some try of it was not answered: it may be in its topic, whatever is heard of later tries. Default: false. */
  doubtful?: boolean | undefined
  /** What its last try came to, where it certainly is not in its topic and none is under way. */
  between?: 'not-sent' | 'refused' | undefined
  /** Why its last try failed. */
  failure?: MillraceError | undefined
  /** Ascends in the order in which events were taken. */
  sequence: number
  /** Which calls of `forceFlush` it was published before: see `ForcedFlushes`. */
  epoch: number
  /** By the clock that only goes forwards. */
  arrivedAt: number
  /** `new`: it waits for room; `waiting`: for a flush; `aside`: for others of its key; `held`: for its transaction. */
  state: 'new' | 'waiting' | 'aside' | 'held' | 'flying' | 'settled'
  /** All of its key, while it has one and is not `new`. */
  keyLane?: KeyLane | undefined
  /** Behind it in its key. */
  nextOfKey?: PendingEvent | undefined
  /** Whom to tell; undefined: whoever published it is gone. */
  readonly answer: Deferred<PublishReceipt> | undefined
}
