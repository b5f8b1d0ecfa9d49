import {
  type Clock,
  CircuitBreakers,
  followSettling,
  type Logger,
  type PartResult,
  DEFAULT_FAILURE_OPTIONS,
  retryDelay,
} from '@millrace/core'
import type { ResolvedSink } from '../config/sink-options.ts'
import type { ResolvedTable } from '../config/table-options.ts'
import type { InsertAnswer, InsertRequest, SinkDriver } from '../driver/driver.ts'
import { InsertFailed, insertFailed } from '../driver/insert-failed.ts'
import { RowError } from '../driver/row-error.ts'
import type { SinkMetrics } from '../metrics/sink-metrics.ts'
import type { Entry } from './entry.ts'
import { InsertSizes } from './insert-sizes.ts'
import { limitedSignal } from './limited-signal.ts'
import { partToken } from './part-token.ts'

/** A row that can't be stored for what it is. */
export interface RejectedEntry {
  readonly entry: Entry
  readonly error: Error
}

export interface InserterOptions {
  readonly driver: SinkDriver
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: SinkMetrics
  readonly retry: ResolvedSink['retry']
  readonly circuitBreaker: ResolvedSink['circuitBreaker']
  readonly insertTimeoutMs: () => number
  readonly directFallback: () => boolean
  /** Aborted when everything is to end. */
  readonly signal: AbortSignal
}

/** What is told of the rows of a batch as they are done. */
export interface Outcome {
  readonly stored: (entries: readonly Entry[]) => Promise<void>
  readonly rejected: (rejected: RejectedEntry) => Promise<void>
}

/** Rows, how they are inserted, and by what. */
export interface Inserting {
  readonly name: string
  readonly table: ResolvedTable
  /** Of all its rows together. */
  readonly token: string
  /** How many rows it had when it was cut. */
  readonly size: number
  /** All rows are stored by one insert or none: those at fault are looked for without storing any. */
  readonly fixed: boolean
  /** Whether rows may come that these refer to: then it is tried again before one of them is blamed for that. */
  readonly mayCome: () => boolean
  /** Whether a row that is refused by itself for that is kept all the same, to be handed back with the failure. Default: none is. */
  readonly mayBeFreed?: (() => boolean) | undefined
  /** Rows that are not are left out from then on. Default: all are. */
  readonly isWanted?: ((entry: Entry) => boolean) | undefined
  /** Aborted when nobody wants the rows any more. Default: never. */
  readonly signal?: AbortSignal | undefined
  readonly insert: (request: InsertRequest) => Promise<InsertAnswer>
}

/**
 * Inserts batches. One whose rows are at fault is taken apart until these stand alone; one that fails because of the server is handed back, with what
 * is not stored of it, by a rejection with an {@link InsertFailed}.
 */
export class Inserter {
  readonly #options: InserterOptions
  readonly breakers: CircuitBreakers
  /** Until when the rows of a table are inserted one by one. */
  readonly #directUntil = new Map<string, number>()
  readonly #sizes = new InsertSizes()

  constructor(options: InserterOptions) {
    this.#options = options
    const { circuitBreaker, clock, logger } = options
    this.breakers = new CircuitBreakers(circuitBreaker, clock, (table, from, to) =>
      logger.warn({ table, from, to }, `the circuit breaker of table '${table}' is ${to}`),
    )
  }

  /** Whether a table's rows are inserted one by one now. */
  isDirect(name: string): boolean {
    return (this.#directUntil.get(name) ?? -Infinity) > this.#options.clock.monotonic()
  }

  /** Resolves when each row is stored or rejected: to whether that went well at once. */
  async run(inserting: Inserting, entries: readonly Entry[], outcome: Outcome): Promise<boolean> {
    if (inserting.fixed) return this.#whole(inserting, entries, outcome)
    let well = true
    let kept: InsertFailed | undefined
    for (let from = 0; from < entries.length;) {
      const to = from + this.#mostOf(inserting)
      const settled = await this.#settle(inserting, entries.slice(from, to), outcome)
      if (settled !== true) well = false
      // What comes after it may be what others wait for.
      if (settled instanceof InsertFailed) kept ??= settled
      from = to
    }
    if (kept !== undefined) throw kept
    return well
  }

  /** Rows in one insert. */
  #mostOf({ name, table }: Inserting): number {
    return !table.enabled || this.isDirect(name) ? 1 : this.#sizes.of(name)
  }

  /** One insert of all rows but those at fault. A part of them under a token of its own would come again with the whole, once the fault is mended. */
  async #whole(inserting: Inserting, entries: readonly Entry[], outcome: Outcome): Promise<boolean> {
    let left = entries
    while (left.length > 0) {
      try {
        await this.#insert(inserting, left)
      } catch (caught) {
        const faults = await this.#faults(inserting, left, this.#failed(inserting.name, caught))
        for (const { entry, error } of faults) {
          await outcome.rejected({ entry, error })
        }
        const gone = new Set(faults.map(({ entry }) => entry))
        left = left.filter((entry) => !gone.has(entry))
        continue
      }
      this.#succeeded(inserting.name)
      await outcome.stored(left)
      return left.length === entries.length
    }
    return false
  }

  /** The rows that are to blame for a failure; rejects if none is. */
  async #faults(inserting: Inserting, entries: readonly Entry[], error: InsertFailed | RowError): Promise<readonly RejectedEntry[]> {
    const { driver } = this.#options
    const { name } = inserting
    if (error instanceof RowError) return [{ entry: entries[error.index] as Entry, error }]
    const check = driver.check?.bind(driver)
    if (error.blame !== 'rows' || check === undefined) throw this.#serverFailed(name, error)
    const found: RejectedEntry[] = []
    const checking = async (request: InsertRequest) => {
      await check(request)
      return { bytes: 0 }
    }
    const run = async (rows: readonly number[]): Promise<PartResult> => {
      try {
        await this.#insert(
          { ...inserting, insert: checking },
          rows.map((row) => entries[row] as Entry),
        )
        return { ok: true }
      } catch (caught) {
        const failed = insertFailed(name, driver, caught)
        if (failed instanceof RowError) return { ok: false, failed: [{ row: rows[failed.index] as number, error: failed }], kept: false }
        if (failed.blame !== 'rows') throw this.#serverFailed(name, failed)
        return { ok: false, error: failed }
      }
    }
    await followSettling(
      { count: entries.length, failure: { ...DEFAULT_FAILURE_OPTIONS, acknowledgement: 'best-effort' }, maxRetries: 0 },
      { ok: false, error },
      {
        run,
        wait: async () => undefined,
        giveUp: async (row, reason) => void found.push({ entry: entries[row] as Entry, error: reason as Error }),
        commitPrefix: () => undefined,
      },
    )
    // The server refuses the whole, and none of its rows by itself: only somebody else can mend that.
    if (found.length === 0) throw this.#serverFailed(name, error)
    return found
  }

  #failed(name: string, caught: unknown): InsertFailed | RowError {
    this.#options.metrics.failedBatches++
    return insertFailed(name, this.#options.driver, caught)
  }

  #serverFailed<T>(name: string, error: T): T {
    this.breakers.failed(name)
    return error
  }

  #succeeded(name: string): void {
    this.breakers.succeeded(name)
    this.#sizes.wentWell(name)
  }

  /** Resolves to whether that went well at once, or to why rows were kept. */
  async #settle(inserting: Inserting, entries: readonly Entry[], outcome: Outcome): Promise<boolean | InsertFailed> {
    const { clock, retry, metrics } = this.#options
    const { name, table } = inserting
    const all = entries.map((_, row) => row)
    const first = await this.#part(inserting, entries, all, outcome)
    if (first.ok) return true
    let rejected = 0
    let kept: InsertFailed | undefined
    await followSettling(
      { count: entries.length, failure: { ...DEFAULT_FAILURE_OPTIONS, acknowledgement: 'best-effort', retry }, maxRetries: table.retries },
      first,
      {
        run: (rows) => this.#part(inserting, entries, rows, outcome),
        wait: async (number) => {
          metrics.retries++
          await this.#wait(retryDelay(number, retry, Math.random()), inserting.signal)
        },
        giveUp: async (row, error) => {
          if (error instanceof InsertFailed && error.blame === 'reference' && inserting.mayBeFreed?.() === true) {
            kept ??= error
            return
          }
          rejected++
          await outcome.rejected({ entry: entries[row] as Entry, error: error as Error })
        },
        commitPrefix: () => undefined,
      },
    )
    if (kept !== undefined) return kept
    // The whole failed though none of its rows does: the batch itself is what the server refuses.
    const own = 'error' in first && first.error instanceof InsertFailed && first.error.blame === 'unknown'
    if (own && rejected === 0 && entries.length > 1 && this.#options.directFallback()) this.#goDirect(name, clock)
    return false
  }

  #goDirect(name: string, clock: Clock): void {
    const { logger, circuitBreaker } = this.#options
    this.#directUntil.set(name, clock.monotonic() + circuitBreaker.openMs)
    logger.warn(
      { table: name, forMs: circuitBreaker.openMs },
      `batches for '${name}' fail whose rows don't: they are inserted one by one for a while`,
    )
  }

  /** Some rows together. Rejects if the server is to blame. */
  async #part(inserting: Inserting, entries: readonly Entry[], rows: readonly number[], outcome: Outcome): Promise<PartResult> {
    const { isWanted } = inserting
    const wanted = isWanted === undefined ? rows : rows.filter((row) => isWanted(entries[row] as Entry))
    if (wanted.length === 0) return { ok: true }
    const part = wanted.map((row) => entries[row] as Entry)
    const { name } = inserting
    const token = partToken(inserting.token, part, inserting.size)
    try {
      await this.#insert({ ...inserting, token }, part)
    } catch (caught) {
      const error = this.#failed(name, caught)
      if (error instanceof RowError) return { ok: false, failed: [{ row: wanted[error.index] as number, error }], kept: false }
      if (error.blame === 'size') this.#sizes.tooMany(name, part.length)
      if (error.blame === 'server' || error.blame === 'size') throw this.#serverFailed(name, error)
      if (error.blame === 'reference' && inserting.mayCome()) throw error
      return { ok: false, error }
    }
    this.#succeeded(name)
    await outcome.stored(part)
    return { ok: true }
  }

  async #insert({ name, table, token, insert, signal: own }: Inserting, part: readonly Entry[]): Promise<void> {
    const { signal, clock, metrics, insertTimeoutMs } = this.#options
    const limitMs = insertTimeoutMs()
    const late = () => new InsertFailed(name, 'size', new Error(`it took longer than ${limitMs} ms (insertTimeoutMs)`))
    const limited = limitedSignal([signal, own], { clock, limitMs, late })
    const ended = new Promise<never>((_, reject) =>
      limited.signal.addEventListener('abort', () => reject(limited.signal.reason as Error), { once: true }),
    )
    ended.catch(() => undefined)
    try {
      limited.signal.throwIfAborted()
      let bytes = 0
      for (const entry of part) bytes += entry.bytes
      const { statement, id, compression } = table
      const rows = part.map(({ row }) => row)
      const inserted = insert({ table: name, rows, bytes, statement, id, compression, token, signal: limited.signal })
      inserted.catch(() => undefined)
      const answer = await Promise.race([inserted, ended])
      metrics.inserts++
      metrics.bytes += answer.bytes
    } finally {
      limited.end()
    }
  }

  async #wait(delayMs: number, own: AbortSignal | undefined): Promise<void> {
    const { clock, signal } = this.#options
    const signals = own === undefined ? [signal] : [signal, own]
    await new Promise<void>((resolve, reject) => {
      const clear = () => {
        cancel()
        for (const each of signals) each.removeEventListener('abort', end)
      }
      const end = () => {
        clear()
        reject(signals.find(({ aborted }) => aborted)?.reason as Error)
      }
      const cancel = clock.after(delayMs, () => {
        clear()
        resolve()
      })
      for (const each of signals) each.addEventListener('abort', end, { once: true })
      if (signals.some(({ aborted }) => aborted)) end()
    })
  }
}
