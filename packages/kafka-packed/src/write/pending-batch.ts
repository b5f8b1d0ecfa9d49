import type { PackedError } from '../errors/packed-error.ts'
import type { SealedBatch } from '../records/batch-builder.ts'
import type { AwaitedRecords } from './record-delivery.ts'

/** A batch that was not acknowledged yet. */
export interface PendingBatch {
  readonly sealed: SealedBatch
  /** Given up then, on the monotonic clock. */
  readonly deadline: number
  /** What it counts of what waits: its bytes before they were compressed. */
  readonly held: number
  /** For which flushes it is waited: see `Settlements`. */
  readonly round: number
  /** Absent: nobody waits for one. */
  readonly awaited: AwaitedRecords | undefined
  /** Of its first record; undefined until it is sent first. Kept as often as it is sent, so that the broker knows it again. */
  sequence: number | undefined
  /** How often it was answered with what can't be read. */
  malformedAnswers: number
  /** Why it was not written when it was sent last; undefined: nothing came of sending it yet. */
  lastError: PackedError | undefined
  /** It was sent, and nobody knows what came of it. */
  isUncertain: boolean
}
