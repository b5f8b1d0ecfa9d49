import type { Clock } from '@millrace/core'
import type { MemoryFaults } from './faults.ts'

/** See {@link MemoryOptions.durability}. */
export type Durability = 'process' | 'disk'

/** How an embedded log is kept, and how tests take hold of it. */
export interface MemoryOptions {
  /**
   * Keeps topics, records and committed offsets in this folder, which is created if need be and belongs to one process at a time. All of it is
   * read when the first part of the transport is opened, and let go of when the last one is closed. Default: nothing outlives the transport.
   */
  readonly folder?: string | undefined
  /**
   * What a folder protects from. `process` (default): from the end of the process, by SIGKILL as well; the operating system writes to the
   * disk when it likes. `disk`: from the end of the machine's power too; each flush and commit waits for the disk.
   */
  readonly durability?: Durability | undefined
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
