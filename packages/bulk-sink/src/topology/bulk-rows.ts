import {
  describeValue,
  MillraceError,
  numberProblem,
  type OpenOutsideSink,
  type OutsideSink,
  type OutsideSinkContext,
  safeLogger,
} from '@millrace/core'
import { randomUUID } from 'node:crypto'
import { resolveSink } from '../config/resolve-sink.ts'
import type { ResolvedSink, SinkSettings } from '../config/sink-options.ts'
import { Dispatcher } from '../insert/dispatcher.ts'
import type { RejectedEntry } from '../insert/inserter.ts'
import { type MetricsServer, type MetricsServerOptions, serveMetrics } from '../metrics/serve-metrics.ts'
import type { SinkMetricsReport } from '../metrics/sink-metrics.ts'
import { ChunkedRows } from './chunked-rows.ts'
import { TransactionalRows } from './transactional-rows.ts'
import { AtLeastOnceRows } from './at-least-once-rows.ts'
import type { BulkRowsOptions } from './row-options.ts'

/** Offsets in one insert, where that is exactly once by tokens. */
const DEFAULT_CHUNK_SIZE = 1_000

/** What can be asked of a sink whose application runs. */
interface Running {
  report(): SinkMetricsReport
  update(change: SinkSettings): void
}

/**
 * Rows of records, as a sink of a topology:
 *
 * ```ts with=rows
 * const orders = bulkRows({
 *   driver: postgres({ url: 'postgres://localhost/shop' }),
 *   tables: { orders: { preset: 'events', id: 'id' } },
 *   rows: ({ value }: StreamRecord<string, Order>) => ({ table: 'orders', row: { id: value.id, amount: value.amount } }),
 * })
 * stream.sinkOutside('orders', orders)
 * ```
 */
export class BulkRows<K, V> implements OutsideSink<K, V> {
  readonly #options: BulkRowsOptions<K, V>
  readonly #resolved: ResolvedSink
  #running: Running | undefined

  /** @internal Use `bulkRows`. */
  constructor(options: BulkRowsOptions<K, V>) {
    const { rows, exactlyOnce, chunkSize, ...sink } = options
    this.#options = options
    this.#resolved = resolveSink(sink, rowsProblems({ rows, exactlyOnce, chunkSize }))
  }

  /** Throws `NOT_RUNNING` while no application runs with it. */
  metrics(): SinkMetricsReport {
    return this.#opened().report()
  }

  /** Serves `metrics()` as JSON at `GET /metrics`. */
  serveMetrics(options?: MetricsServerOptions): Promise<MetricsServer> {
    return serveMetrics(() => this.metrics(), options)
  }

  /** Changes settings from the next batch on. Throws a `TypeError` that lists everything that is wrong, and then changes nothing. */
  updateConfig(change: SinkSettings): void {
    this.#opened().update(change)
  }

  /** For the application that runs the topology. */
  readonly open = async (context: OutsideSinkContext): Promise<OpenOutsideSink<K, V>> => {
    const { rows, afterInsert, clock = context.clock } = this.#options
    const logger = safeLogger(this.#options.logger ?? context.logger)
    const driver = this.#options.driver({ logger })
    const onRejected = (table: string, { entry, error }: RejectedEntry) => refuse(context, table, { entry, error })
    if (this.#options.exactlyOnce === true && driver.transactions !== undefined) {
      const owner = { applicationId: context.applicationId, node: context.node, owner: randomUUID() }
      const { transactions } = driver
      const sink = new TransactionalRows({
        owner,
        driver,
        transactions,
        resolved: this.#resolved,
        rows,
        afterInsert,
        clock,
        logger,
        onRejected,
      })
      this.#running = sink
      return sink
    }
    const onRefusedWhole = (error: Error) => context.fail?.(chunkRefused(context.node, error))
    const dispatcher = new Dispatcher({ driver, resolved: this.#resolved, clock, logger, afterInsert, onRejected, onRefusedWhole })
    this.#running = dispatcher
    const parts = { node: context.node, dispatcher, rows, now: () => clock.now(), closeDriver: () => driver.close() }
    if (this.#options.exactlyOnce !== true) return new AtLeastOnceRows(parts)
    const { chunkSize = DEFAULT_CHUNK_SIZE } = this.#options
    const { applicationId, node } = context
    const { settings, retry } = this.#resolved
    this.#running = { report: () => dispatcher.report(), update: (change) => updateChunked(dispatcher, change) }
    return new ChunkedRows({
      ...{ ...parts, chunkSize, applicationId, driver, tables: [...settings.tables.keys()] },
      asking: { driver, retry, clock, logger, node },
    })
  }

  #opened(): Running {
    if (this.#running !== undefined) return this.#running
    throw new MillraceError(
      'NOT_RUNNING',
      'No application runs with this sink yet: it has no metrics, and its settings are those it was made with.',
      {
        stage: 'sink',
      },
    )
  }
}

/** Whether the server drops repeats of a table is asked at the start: none comes later. */
function updateChunked(dispatcher: Dispatcher, change: SinkSettings): void {
  const { tables } = dispatcher.settings
  const added = Object.keys(change.tables ?? {}).filter((table) => !tables.has(table))
  if (added.length > 0)
    throw new TypeError(
      `A sink that is exactly once by tokens gets no tables at run time: ${added.join(', ')}. Name each in \`tables\` of bulkRows, and start the application again.`,
    )
  dispatcher.update(change)
}

function rowsProblems({
  rows,
  exactlyOnce,
  chunkSize,
}: Readonly<Partial<Record<'rows' | 'exactlyOnce' | 'chunkSize', unknown>>>): string[] {
  const problems: (string | undefined)[] = []
  if (typeof rows !== 'function') problems.push(`rows is ${describeValue(rows)}; use a function that returns the rows of a record.`)
  if (exactlyOnce !== undefined && typeof exactlyOnce !== 'boolean')
    problems.push(`exactlyOnce is ${describeValue(exactlyOnce)}; use true or false.`)
  if (chunkSize !== undefined) problems.push(numberProblem('chunkSize', chunkSize, { min: 1, max: 1_000_000 }))
  return problems.filter((problem) => problem !== undefined)
}

/** A bulk sink as a node of a topology. Throws a `TypeError` that lists everything that is wrong with its options. */
export function bulkRows<K, V>(options: BulkRowsOptions<K, V>): BulkRows<K, V> {
  return new BulkRows(options)
}

function chunkRefused(node: string, cause: Error): MillraceError {
  const message =
    `Sink '${node}' can't store a chunk, which goes in as it is or not at all. Mend what the database says, and start the application again: ` +
    cause.message
  return new MillraceError('CHUNK_REFUSED', message, { stage: 'sink', node, cause })
}

/** Hands a row to the policy of the application. Its dead letter says table and row as JSON. */
function refuse({ refuse: give }: OutsideSinkContext, table: string, { entry, error }: RejectedEntry): Promise<void> {
  const { part, offset, timestamp, row } = entry
  const text = JSON.stringify({ table, row }, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
  const at = { topic: part?.topic ?? '', partition: part?.partition ?? 0, offset, timestamp }
  return give({ ...at, value: new TextEncoder().encode(text), error })
}
