/**
 * PostgreSQL for bulk sinks.
 *
 * @packageDocumentation
 */
export { postgres, type PostgresOptions } from '@millrace/sink-postgres'
