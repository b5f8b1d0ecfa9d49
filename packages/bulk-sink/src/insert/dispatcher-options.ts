import type { Clock, Logger } from '@millrace/core'
import type { BulkSinkOptions, ResolvedSink } from '../config/sink-options.ts'
import type { SinkDriver } from '../driver/driver.ts'
import type { InsertFailed } from '../driver/insert-failed.ts'
import type { RejectedEntry } from './inserter.ts'

export interface DispatcherOptions {
  readonly driver: SinkDriver
  readonly resolved: ResolvedSink
  readonly clock: Clock
  readonly logger: Logger
  readonly afterInsert: BulkSinkOptions['afterInsert']
  /** Does with a row what is done with rows that can't be stored; rejects if it can't be let go. */
  readonly onRejected: (table: string, rejected: RejectedEntry) => Promise<void>
  /** Told when rows that go in together or not at all were refused as often as they may be, for what nobody knows; they are tried on. Default: nobody is. */
  readonly onRefusedWhole?: ((error: InsertFailed) => void) | undefined
}
