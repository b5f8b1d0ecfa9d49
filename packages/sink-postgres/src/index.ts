/**
 * PostgreSQL for bulk sinks.
 *
 * @packageDocumentation
 */
export { postgres, type PostgresOptions } from './postgres.ts'
