import { asError, type Clock, type Logger, MillraceError, safeLogger, settledWithin, systemClock } from '@millrace/core'
import { pino } from 'pino'
import { checkPriority } from './check-priority.ts'
import { checkRow } from './check-row.ts'
import { resolveSink } from './config/resolve-sink.ts'
import type { BulkSinkOptions, RefusedRow, SinkSettings } from './config/sink-options.ts'
import type { SinkDriver } from './driver/driver.ts'
import { estimateBytes } from './driver/estimate-bytes.ts'
import type { Row } from './driver/row.ts'
import type { CloseReport } from './insert/close-report.ts'
import { Dispatcher } from './insert/dispatcher.ts'
import { type MetricsServer, type MetricsServerOptions, serveMetrics } from './metrics/serve-metrics.ts'
import type { SinkMetricsReport } from './metrics/sink-metrics.ts'

/** After so many rows whoever writes lets others have their turn: in one that never waits no insert would begin. */
const ROWS_A_TURN = 64

/** How a bulk sink works that is used without a topology. */
export interface StandaloneSinkOptions extends BulkSinkOptions {
  /** Takes rows that can't be stored for what they are; awaited before they count as done, for `insertTimeoutMs` at most. A row is not done while it fails or hangs: it is called again if it failed. Default: they are logged. */
  readonly deadLetter?: ((refused: RefusedRow) => void | Promise<void>) | undefined
}

/** Options of one row. */
export interface WriteOptions {
  /** From 1, the highest, to 10. Default: the table's. */
  readonly priority?: number | undefined
}

/** The same for all rows that are written without any. */
const NO_OPTIONS: WriteOptions = Object.freeze({})
/** The same for all rows that are accepted at once. */
const ACCEPTED = Promise.resolve()

interface Written extends WriteOptions {
  readonly row: Row
  readonly bytes: number
}

/**
 * Gathers rows and inserts them in batches.
 *
 * ```ts with=rows
 * const sink = createBulkSink({ driver: postgres({ url: 'postgres://localhost/shop' }), tables: { orders: { preset: 'events', id: 'id' } } })
 * await sink.write('orders', { id: 'o-1', amount: 12 })
 * await sink.close()
 * ```
 */
export class BulkSink implements AsyncDisposable {
  readonly #dispatcher: Dispatcher
  readonly #driver: SinkDriver
  readonly #clock: Clock
  readonly #logger: Logger
  #closing: Promise<CloseReport> | undefined
  #written = 0

  /** @internal Use `createBulkSink`. */
  constructor(options: StandaloneSinkOptions) {
    const { deadLetter, ...rest } = options
    const resolved = resolveSink(rest)
    const { clock = systemClock, afterInsert } = rest
    const logger = safeLogger(rest.logger ?? pino({ level: 'info', base: null }, process.stderr))
    this.#logger = logger
    this.#clock = clock
    this.#driver = options.driver({ logger })
    this.#dispatcher = new Dispatcher({
      driver: this.#driver,
      resolved,
      clock,
      logger,
      afterInsert,
      onRejected: async (table, { entry, error }) => {
        if (deadLetter === undefined) logger.error({ err: error, table, row: entry.row }, 'a row can not be stored')
        else await deadLetter({ table, row: entry.row, error })
      },
    })
  }

  /**
   * Resolves when the row is accepted: at once, unless its table or the sink has too much in memory, or it is time for something else to have its turn. `flush`
   * tells when it is stored.
   */
  write(table: string, row: Row, { priority }: WriteOptions = NO_OPTIONS): Promise<void> {
    const dispatcher = this.#dispatcher
    let bytes: number
    try {
      this.#assertOpen()
      dispatcher.table(table)
      checkPriority(priority)
      checkRow(table, row)
      bytes = estimateBytes(row)
    } catch (error) {
      return Promise.reject(asError(error))
    }
    if (dispatcher.usage.mustWait(table)) return this.#writeWithRoom(table, { row, bytes, priority })
    this.#accept(table, { row, bytes, priority })
    return ++this.#written % ROWS_A_TURN === 0 ? new Promise<void>((resolve) => setImmediate(resolve)) : ACCEPTED
  }

  #writeWithRoom(table: string, written: Written): Promise<void> {
    return this.#dispatcher.usage.room(table, () => {
      this.#assertOpen()
      this.#accept(table, written)
    })
  }

  #accept(table: string, { row, bytes, priority }: Written): void {
    const at = this.#clock.now()
    this.#dispatcher.accept(table, { row, bytes, part: undefined, slot: 0, at, offset: -1, timestamp: -1, place: 0 }, priority)
  }

  /** Inserts what was accepted up to now, without waiting for more; resolves when each row is stored or given up, however long the database is away. */
  async flush(): Promise<void> {
    this.#assertOpen()
    if (!(await this.#dispatcher.flush('manual', true))) throw closedError()
  }

  /** What was done so far. */
  metrics(): SinkMetricsReport {
    return this.#dispatcher.report()
  }

  /** Serves `metrics()` as JSON at `GET /metrics`. */
  serveMetrics(options?: MetricsServerOptions): Promise<MetricsServer> {
    return serveMetrics(() => this.metrics(), options)
  }

  /** Changes settings from the next batch on. Throws a `TypeError` that lists everything that is wrong, and then changes nothing. */
  updateConfig(change: SinkSettings): void {
    this.#dispatcher.update(change)
  }

  /** Stores what was accepted, for `closeTimeoutMs` at most, and disconnects. Says what could not be stored. */
  close(): Promise<CloseReport> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<CloseReport> {
    const dispatcher = this.#dispatcher
    await settledWithin(dispatcher.flush('shutdown', true), dispatcher.settings.closeTimeoutMs, this.#clock)
    const { outcome } = dispatcher
    dispatcher.end()
    await settledWithin(this.#driver.close(), dispatcher.settings.closeTimeoutMs, this.#clock)
    // Whoever let it go out of scope has no other word of it.
    if (outcome.left > 0) this.#logger.error({ ...outcome }, 'rows were not stored before the sink was closed')
    return outcome
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw closedError()
  }
}

/** A bulk sink that is used without a topology. Throws a `TypeError` that lists everything that is wrong with its options. */
export function createBulkSink(options: StandaloneSinkOptions): BulkSink {
  return new BulkSink(options)
}

function closedError(): MillraceError {
  return new MillraceError('SINK_CLOSED', 'The bulk sink is closed: rows are neither accepted nor stored any more.', { stage: 'sink' })
}
