/**
 * ClickHouse for bulk sinks.
 *
 * @packageDocumentation
 */
export { clickhouse, type ClickhouseOptions } from './clickhouse.ts'
