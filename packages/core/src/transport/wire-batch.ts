import type { BytesColumn } from '../batch/bytes-column.ts'
import type { Headers } from '../batch/headers.ts'

/** Consecutive records of one topic-partition as they came from the transport, in offset order (offsets may have gaps). */
export interface WireBatch {
  readonly topic: string
  readonly partition: number
  readonly length: number
  readonly keys: BytesColumn
  readonly values: BytesColumn
  /** Milliseconds since the epoch; -1 where the log has none. */
  readonly timestamps: ArrayLike<number>
  readonly offsets: ArrayLike<number>
  /** Absent when no record of the batch has headers. */
  readonly headers?: readonly (Headers | undefined)[] | undefined
  /** The partition's end (offset of the next record to be written, as this reader may see it), as far as known. */
  readonly endOffset?: number | undefined
  /** Called once by who is done with the batch: afterwards its bytes may be reused. What outlives the batch must have been copied. */
  release(): void
}

/** What one poll brought. */
export interface PollResult {
  readonly batches: readonly WireBatch[]
  /** Partitions that were read to their end, with the position there: all records below it have been handed out (in this result or before). */
  readonly ends: readonly { readonly topic: string; readonly partition: number; readonly offset: number }[]
}
