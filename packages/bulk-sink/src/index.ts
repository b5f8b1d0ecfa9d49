/**
 * Rows into databases, a batch at a time: strategies by table, priorities, retries, circuit breakers.
 *
 * @packageDocumentation
 */
export { BulkSink, createBulkSink, type StandaloneSinkOptions, type WriteOptions } from './bulk-sink.ts'
export type { CloseReport } from './insert/close-report.ts'
export type { BulkSinkOptions, RefusedRow, SinkSettings, StoredRows } from './config/sink-options.ts'
export { TABLE_PRESETS } from './config/presets.ts'
export type { TableOptions, TablePreset, TableStrategy } from './config/table-options.ts'
export type {
  Blame,
  ClaimedPartition,
  ComingInsert,
  DriverFactory,
  InsertAnswer,
  InsertRequest,
  OffsetOwner,
  SinkDriver,
  SinkTransaction,
  StoredOffset,
  TokensQuestion,
  TransactionalDriver,
} from './driver/driver.ts'
export { RowError } from './driver/row-error.ts'
export { type Columns, type ColumnsUse, TableColumns } from './driver/table-columns.ts'
export type { Row, TableRow } from './driver/row.ts'
export type { FlushType } from './insert/entry.ts'
export type { MetricsServer, MetricsServerOptions } from './metrics/serve-metrics.ts'
export type { SinkMetricsReport } from './metrics/sink-metrics.ts'
export { BulkRows, bulkRows } from './topology/bulk-rows.ts'
export type { BulkRowsOptions } from './topology/row-options.ts'
