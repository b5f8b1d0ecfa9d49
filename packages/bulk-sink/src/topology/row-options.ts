import type { StreamRecord } from '@millrace/core'
import type { BulkSinkOptions } from '../config/sink-options.ts'
import type { TableRow } from '../driver/row.ts'

/** A bulk sink as a node of a topology. */
export interface BulkRowsOptions<K, V> extends BulkSinkOptions {
  /** The rows of one record: its offset waits for all of them. */
  readonly rows: (record: StreamRecord<K, V>) => TableRow | readonly TableRow[] | undefined
  /**
   * Each row once, whatever fails. In PostgreSQL offsets are stored in the same transaction as rows; in ClickHouse, chunks of `chunkSize` offsets have
   * de-duplication tokens. Default: false: at least once, where `id` or the table's engine drops repeats.
   */
  readonly exactlyOnce?: boolean | undefined
  /** Offsets of a partition in one insert, where `exactlyOnce` works by tokens. Not to be changed while rows wait. Default: 1,000. */
  readonly chunkSize?: number | undefined
}
