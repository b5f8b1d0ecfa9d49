import type { FilledRows } from './fill-segment.ts'
import type { Segment } from './segment.ts'

/** Keeps one partition's records beyond the process. Called before what it is given becomes visible; what throws never does. */
export interface PartitionStorage {
  /** The rows behind the segment's visible ones. `transactionId` is 0 outside of transactions. */
  appendRecords(segment: Segment, filled: FilledRows, transactionId: number): void
  appendMarker(offset: number, transactionId: number, outcome: 'committed' | 'aborted'): void
  /** The segment will never be read again. */
  dropSegment(segment: Segment): void
}
