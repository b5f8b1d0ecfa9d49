import type { Clock } from '@millrace/core'
import type { MemoryFaults } from './faults.ts'

export interface MemoryOptions {
  /** Default: the system's. Decides how long polls wait, when transactions and rebalances time out. */
  readonly clock?: Clock | undefined
  /**
   * How long a member may take to give up partitions, in milliseconds. After that it is put out of its group: its partitions go to others
   * and its `onLost` is called. Default: 300,000.
   */
  readonly rebalanceTimeoutMs?: number | undefined
  /** Makes operations fail or wait, for tests. */
  readonly faults?: MemoryFaults | undefined
  /**
   * Hands out copies and overwrites them when they are released, so that a test finds whoever uses a batch after its release.
   * Default: false, readers are given the log's own memory.
   */
  readonly scrubReleased?: boolean | undefined
}
