/** When the rows of a table are inserted: see {@link TableOptions.strategy}. */
export type TableStrategy = 'immediate' | 'size' | 'time' | 'bytes' | 'hybrid' | 'memory' | 'adaptive'

/** Every strategy there is. */
export const TABLE_STRATEGIES: readonly TableStrategy[] = Object.freeze([
  'immediate',
  'size',
  'time',
  'bytes',
  'hybrid',
  'memory',
  'adaptive',
])

/** Options that suit a kind of table. */
export type TablePreset = 'events' | 'payments' | 'triage' | 'telemetry' | 'event-store' | 'background'

/** How the rows of one table are inserted. */
export interface TableOptions {
  /** Where options begin that are not given here. Default: none. */
  readonly preset?: TablePreset | undefined
  /** False: no batches, each row is inserted by itself. Default: true. */
  readonly enabled?: boolean | undefined
  /**
   * `immediate`: what is there, without waiting (several rows at once while inserts are under way); `size`: `batchSize` rows; `time`: `batchTimeMs` after the first
   * row, or `batchSize`; `bytes`: `batchBytes`; `hybrid`: whichever of the three comes first; `memory`: half of `maxMemoryMb`; `adaptive`: as many rows, up to
   * `batchSize`, as are inserted within `targetLatencyMs`. Default: `hybrid`.
   */
  readonly strategy?: TableStrategy | undefined
  /** Rows in a batch, at most. Default: the sink's `defaultBatchSize`. */
  readonly batchSize?: number | undefined
  /** How long the first row of a batch may wait, in milliseconds. Default: the sink's `defaultBatchTimeMs`. */
  readonly batchTimeMs?: number | undefined
  /** Bytes of a batch, at most, as estimated. Default: 10,485,760. */
  readonly batchBytes?: number | undefined
  /**
   * The same as `batchTimeMs` for strategies that know no time (`size`, `bytes`, `memory`): so that the last rows of a quiet table, and the offsets that wait for
   * them, are held back no longer. Default: 30,000.
   */
  readonly maxWaitMs?: number | undefined
  /** How long an insert should take where the size adapts, in milliseconds. Default: 500. */
  readonly targetLatencyMs?: number | undefined
  /** From 1, the highest, to 10. Default: 5. */
  readonly priority?: number | undefined
  /** How often an insert is tried again that failed for no known reason, before it is taken apart. A server that is away is waited for, however long. Default: 3. */
  readonly retries?: number | undefined
  /** Whether what is sent is compressed, where the driver can: ClickHouse's (gzip). PostgreSQL's protocol has no compression: nothing changes there. Default: false. */
  readonly compression?: boolean | undefined
  /** What rows of this table may take in memory, in MiB; more have to wait. Default: 10. */
  readonly maxMemoryMb?: number | undefined
  /**
   * Whether rows are stored in the order in which they were handed over, each priority by itself: one insert at a time, and none while one before it is tried
   * again. For tables in which a later row of a key replaces an earlier one; in ClickHouse these need a version column, too, since an insert that was given up may
   * still come late. Default: false.
   */
  readonly ordered?: boolean | undefined
  /** Columns that tell whether a row is there already: it is not inserted again. Default: as the table's own constraints say. */
  readonly id?: string | readonly string[] | undefined
  /** An INSERT of your own; what it may refer to says the driver. Default: the driver's. */
  readonly statement?: string | undefined
}

/** {@link TableOptions} with every default. Units as there. */
export interface ResolvedTable extends Required<{
  readonly [Name in Exclude<keyof TableOptions, 'preset' | 'statement' | 'id'>]: NonNullable<TableOptions[Name]>
}> {
  readonly statement: string | undefined
  readonly id: readonly string[]
}
