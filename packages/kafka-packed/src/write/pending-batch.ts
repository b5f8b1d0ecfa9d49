import type { SealedBatch } from '../records/batch-builder.ts'

/** A batch that was not acknowledged yet. */
export interface PendingBatch {
  readonly sealed: SealedBatch
  /** Given up then, on the monotonic clock. */
  readonly deadline: number
  /** What it counts of what waits: its bytes before they were compressed. */
  readonly held: number
  /** Of its first record; undefined until it is sent first. Kept as often as it is sent, so that the broker knows it again. */
  sequence: number | undefined
  /** It was sent, and nobody knows what came of it. */
  isUncertain: boolean
}
