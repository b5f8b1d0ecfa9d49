/**
 * Rows into databases, a batch at a time.
 *
 * @packageDocumentation
 */
export {
  type Blame,
  BulkRows,
  bulkRows,
  type BulkRowsOptions,
  BulkSink,
  type BulkSinkOptions,
  type CloseReport,
  createBulkSink,
  type DriverFactory,
  type FlushType,
  type InsertAnswer,
  type InsertRequest,
  type MetricsServer,
  type MetricsServerOptions,
  type OffsetOwner,
  type RefusedRow,
  type Row,
  RowError,
  type SinkDriver,
  type SinkMetricsReport,
  type SinkSettings,
  type SinkTransaction,
  type StandaloneSinkOptions,
  type StoredOffset,
  type StoredRows,
  TABLE_PRESETS,
  type TableOptions,
  type TablePreset,
  type TableRow,
  type TableStrategy,
  type TransactionalDriver,
  type WriteOptions,
} from '@millrace/bulk-sink'
