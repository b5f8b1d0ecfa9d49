import type { Clock, Logger } from '@millrace/core'
import type { BulkSinkOptions, ResolvedSink } from '../config/sink-options.ts'
import type { OffsetOwner, SinkDriver, TransactionalDriver } from '../driver/driver.ts'
import type { RejectedEntry } from '../insert/inserter.ts'
import type { BulkRowsOptions } from './row-options.ts'

/** What rows and offsets are stored together by. */
export interface TransactionalRowsOptions<K, V> {
  readonly owner: OffsetOwner
  readonly driver: SinkDriver
  readonly transactions: TransactionalDriver
  readonly resolved: ResolvedSink
  readonly rows: BulkRowsOptions<K, V>['rows']
  readonly afterInsert: BulkSinkOptions['afterInsert']
  readonly clock: Clock
  readonly logger: Logger
  readonly onRejected: (table: string, rejected: RejectedEntry) => Promise<void>
}
