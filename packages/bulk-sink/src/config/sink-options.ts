import type {
  CircuitBreakerOptions,
  Clock,
  Logger,
  ResolvedCircuitBreakerOptions,
  ResolvedRetryOptions,
  RetryOptions,
} from '@millrace/core'
import type { DriverFactory } from '../driver/driver.ts'
import type { Row } from '../driver/row.ts'
import type { ResolvedTable, TableOptions } from './table-options.ts'

/** What can be set in code, by the environment and in a file alike. */
export interface SinkSettings {
  /** False: no batches, each row is inserted by itself. Default: true. */
  readonly enabled?: boolean | undefined
  /** Whether tables that are cut by size adapt it to `targetLatencyMs`. Default: false. */
  readonly adaptiveOptimization?: boolean | undefined
  /** Rows in a batch, at most, of tables that don't say. Default: 1,000. */
  readonly defaultBatchSize?: number | undefined
  /** How long the first row of a batch may wait, in milliseconds, of tables that don't say. Default: 2,000. */
  readonly defaultBatchTimeMs?: number | undefined
  /** What all rows may take in memory, in MiB, those that are being inserted included; more have to wait. A tenth is shared out evenly among tables. Default: 50. */
  readonly maxMemoryMb?: number | undefined
  /** Inserts at once. Default: 4. */
  readonly maxConcurrentInserts?: number | undefined
  /** Whether rows are inserted one by one for a while when batches fail and their rows by themselves don't. Default: true. */
  readonly directFallback?: boolean | undefined
  /** How long an insert may take before it counts as failed, in milliseconds. Default: 30,000. */
  readonly insertTimeoutMs?: number | undefined
  /** How long `close` waits for rows to be stored, in milliseconds. Default: 30,000. */
  readonly closeTimeoutMs?: number | undefined
  /** By name. Rows of other tables are refused. */
  readonly tables?: Readonly<Record<string, TableOptions>> | undefined
}

/** Rows that were stored together. */
export interface StoredRows {
  readonly table: string
  readonly rows: readonly Row[]
}

/** A row that the database refuses for what it is. */
export interface RefusedRow {
  readonly table: string
  readonly row: Row
  /** Says the database's reason. */
  readonly error: Error
}

/** How a bulk sink works. */
export interface BulkSinkOptions extends SinkSettings {
  /** The database: `postgres({ url })`, `clickhouse({ url })`. */
  readonly driver: DriverFactory
  /** A YAML or JSON file with {@link SinkSettings}: what is not set in code is taken from the environment, else from there. Default: none. */
  readonly configFile?: string | undefined
  /** Where variables named `BULK_SINK_...` are looked for. Default: `process.env`. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined
  /** Waits between tries. Default: from 100 ms, doubled up to 5,000 ms. */
  readonly retry?: RetryOptions | undefined
  /** For each table: while it is open nothing is tried. Default: half of 10 inserts, of at least 3, opens it for 5,000 ms. */
  readonly circuitBreaker?: CircuitBreakerOptions | undefined
  /** Called after rows were stored; what it throws is counted and logged, and repeats no insert. Default: none. */
  readonly afterInsert?: ((stored: StoredRows) => void | Promise<void>) | undefined
  /** Default: the application's; of a sink by itself a pino logger on standard error, level `info`. */
  readonly logger?: Logger | undefined
  /** Default: the machine's. */
  readonly clock?: Clock | undefined
}

/** {@link SinkSettings} with every default. Units as there. */
export type ResolvedSettings = { readonly [Name in Exclude<keyof SinkSettings, 'tables'>]-?: NonNullable<SinkSettings[Name]> } & {
  readonly tables: ReadonlyMap<string, ResolvedTable>
}

/** {@link BulkSinkOptions} with every default. */
export interface ResolvedSink {
  /** As given, of all ways together: what a change is laid over. */
  readonly given: SinkSettings
  readonly settings: ResolvedSettings
  readonly retry: ResolvedRetryOptions
  readonly circuitBreaker: ResolvedCircuitBreakerOptions
}
