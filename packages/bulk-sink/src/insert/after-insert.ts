import { asError, type Clock, type Logger, settledWithin } from '@millrace/core'
import type { BulkSinkOptions, StoredRows } from '../config/sink-options.ts'
import type { SinkMetrics } from '../metrics/sink-metrics.ts'

export interface AfterInsertOptions {
  readonly afterInsert: BulkSinkOptions['afterInsert']
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: SinkMetrics
  /** How long it may take, in milliseconds. */
  readonly limitMs: () => number
}

/** What the user does with rows that are stored. Whatever becomes of it, they are: it never rejects, and takes no longer than it may. */
export class AfterInsert {
  readonly #options: AfterInsertOptions

  constructor(options: AfterInsertOptions) {
    this.#options = options
  }

  async call({ table, rows }: StoredRows): Promise<void> {
    const { afterInsert, clock, metrics, logger, limitMs } = this.#options
    if (afterInsert === undefined || rows.length === 0) return
    let failure: Error | undefined
    const work = async () => {
      try {
        await afterInsert({ table, rows })
      } catch (error) {
        failure = asError(error)
      }
    }
    const mostMs = limitMs()
    if (!(await settledWithin(work(), mostMs, clock))) failure = new Error(`afterInsert took longer than ${mostMs} ms (insertTimeoutMs)`)
    if (failure === undefined) return
    metrics.postProcessErrors++
    logger.warn({ err: failure, table, rows: rows.length }, 'what comes after an insert failed; the rows are stored')
  }
}
