import { type CircuitState, retryDelay } from '@millrace/core'
import { randomUUID } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { changeSettings } from '../config/resolve-sink.ts'
import type { ResolvedSettings, SinkSettings } from '../config/sink-options.ts'
import type { ResolvedTable } from '../config/table-options.ts'
import { InsertFailed } from '../driver/insert-failed.ts'
import { SinkMetrics, type SinkMetricsReport } from '../metrics/sink-metrics.ts'
import { AfterInsert } from './after-insert.ts'
import type { CloseReport } from './close-report.ts'
import type { DispatcherOptions } from './dispatcher-options.ts'
import { type Entry, type FlushType, isWanted, type RowBatch } from './entry.ts'
import { HandingOver, NotHandedOver } from './handing-over.ts'
import { Inserter, type RejectedEntry } from './inserter.ts'
import type { Lane } from './lane.ts'
import { Lanes } from './lanes.ts'
import type { PartitionProgress } from './partition-progress.ts'
import { mayRowsBeFreed, mayRowsCome, tellStored } from './references.ts'
import { Turns } from './turns.ts'
import { Usage } from './usage.ts'

/** What a batch begins with. */
const UNTRIED = { tries: 0, isStuck: false, doubts: 0, notBefore: 0, helped: 0, vainAt: -1, apartAt: -1 } as const

interface FlushWaiter {
  /** For each lane, up to which row. */
  readonly until: ReadonlyMap<Lane, number>
  /** Not while the server is in trouble. */
  readonly patient: boolean
  readonly resolve: (done: boolean) => void
}

/** Cuts batches of rows and inserts them, the most urgent first, as many at once as is allowed. */
export class Dispatcher {
  readonly metrics: SinkMetrics
  readonly usage: Usage
  readonly #options: DispatcherOptions
  readonly #inserter: Inserter
  readonly #lanes: Lanes
  readonly #after: AfterInsert
  readonly #handingOver: HandingOver
  readonly #abort = new AbortController()
  #given: SinkSettings
  #settings: ResolvedSettings
  readonly #turns: Turns
  #flushes: FlushWaiter[] = []
  #cancelTimer: (() => void) | undefined
  /** Of this sink and no other, ever: a server may remember tokens for long. */
  readonly #token = randomUUID()
  #tokens = 0
  #scheduled = false
  /** Rows that are stored or given up, of batches that are under way. */
  #unsettled = 0

  constructor(options: DispatcherOptions) {
    const { resolved, clock } = options
    this.#options = options
    this.#given = resolved.given
    this.#settings = resolved.settings
    this.metrics = new SinkMetrics(clock)
    // Each insert that is under way listens: more than a few are no leak.
    setMaxListeners(0, this.#abort.signal)
    this.usage = new Usage(() => this.#settings)
    this.#lanes = new Lanes(() => this.#settings)
    this.#inserter = new Inserter({
      ...options,
      metrics: this.metrics,
      retry: resolved.retry,
      circuitBreaker: resolved.circuitBreaker,
      insertTimeoutMs: () => this.#settings.insertTimeoutMs,
      directFallback: () => this.#settings.directFallback,
      signal: this.#abort.signal,
    })
    this.#turns = new Turns({ clock, breakers: this.#inserter.breakers, lanes: this.#lanes, settings: () => this.#settings })
    const limitMs = () => this.#settings.insertTimeoutMs
    this.#after = new AfterInsert({ ...options, metrics: this.metrics, limitMs })
    this.#handingOver = new HandingOver({ ...options, limitMs })
  }

  get settings(): ResolvedSettings {
    return this.#settings
  }

  /** Whether a batch waits for the server to be well again. */
  get troubled(): boolean {
    for (const batch of this.#turns.open) if (batch.tries > 0) return true
    return false
  }

  /** What has become of rows, those of batches that are under way included. */
  get outcome(): CloseReport {
    let stored = this.metrics.items
    for (const { tally } of this.#turns.open) stored += tally.stored
    return { stored, rejected: this.metrics.rejected, left: this.usage.rows - this.#unsettled }
  }

  /** Circuit breakers of tables that are not closed. */
  get circuits(): ReadonlyMap<string, CircuitState> {
    return this.#inserter.breakers.open
  }

  report(): SinkMetricsReport {
    return this.metrics.report({
      enabled: this.#settings.enabled,
      queuedItems: this.usage.rows,
      memoryBytes: this.usage.bytes,
      openCircuits: [...this.circuits.keys()],
    })
  }

  /** Throws a `TypeError` with everything that is wrong, and then changes nothing. */
  update(change: SinkSettings): void {
    const { given, settings } = changeSettings(this.#given, change)
    this.#given = given
    this.#settings = settings
    this.#lanes.update()
    this.usage.wake()
    this.#wake()
  }

  /** The options of a table; throws for one that is not known. */
  table(name: string): ResolvedTable {
    return this.#lanes.table(name)
  }

  /** Resolves when there is room for who reads these partitions. */
  roomFor(parts: readonly PartitionProgress[]): Promise<void> {
    // What he waits for may still be gathered.
    this.#wake()
    return this.usage.roomFor(parts)
  }

  /** Never waits: who hands over asks for room before. */
  accept(table: string, entry: Entry, priority: number | undefined): void {
    const lane = this.#lanes.of(table, priority ?? this.table(table).priority)
    lane.append(entry, entry.at)
    this.usage.take(table, entry)
    this.#wake()
  }

  /** Rows that are inserted together or not at all, under this token. */
  submit(table: string, entries: Entry[], token: string): void {
    const lane = this.#lanes.of(table, this.table(table).priority)
    for (const entry of entries) this.usage.take(table, entry)
    this.#add(lane, entries, { flushType: 'size-based', token, fixed: true, from: lane.taken })
    lane.taken += entries.length
    this.#wake()
  }

  #add(lane: Lane, entries: Entry[], cut: Pick<RowBatch, 'flushType' | 'token' | 'fixed' | 'from'>): void {
    const tally = { size: entries.length, stored: 0, rejected: 0, waitedMs: 0, afterMs: 0 }
    const readyAt = this.#options.clock.monotonic()
    for (let place = 0; place < entries.length; place++) (entries[place] as Entry).place = place
    this.#turns.open.add({ ...cut, lane, entries, tally, readyAt, abort: new AbortController(), isPrepared: false, ...UNTRIED })
  }

  /** Stores what was accepted up to now, without waiting for more. Resolves to whether all of it is done; with `patient` it waits however long. */
  flush(type: FlushType, patient: boolean): Promise<boolean> {
    const until = new Map<Lane, number>()
    for (const lane of this.#lanes.all) {
      lane.flush(type)
      until.set(lane, lane.appended)
    }
    return new Promise((resolve) => {
      this.#flushes.push({ until, patient, resolve })
      this.#wake()
      this.#answerFlushes()
    })
  }

  /** What waits of a partition is dropped: nothing of it is tried any more. */
  drop(part: PartitionProgress): void {
    part.closed = true
    for (const lane of this.#lanes.all)
      for (const entry of lane.dropWhere((each) => each.part === part)) this.usage.giveBack(lane.table, entry)
    for (const batch of this.#turns.open) {
      if (!this.#turns.running.has(batch)) {
        this.#dropClosed(batch)
        if (batch.entries.length === 0) this.#end(batch, true)
      }
      // What is under way of others, too, goes on without its rows.
      else if (!batch.entries.some(isWanted))
        batch.abort.abort(new InsertFailed(batch.lane.table, 'server', new Error('its partitions were taken away')))
    }
    this.usage.wake()
    // There may be nothing left to begin that would tell who waits.
    this.#answerFlushes()
    this.#wake()
  }

  /** Ends what is under way, without waiting for it. */
  end(): void {
    this.#abort.abort(new InsertFailed('', 'server', new Error('the sink is closed')))
    this.#cancelTimer?.()
    this.usage.end()
    for (const { resolve } of this.#flushes.splice(0)) resolve(false)
  }

  /** Once for all that was accepted in one go. */
  #wake(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    // Later than whatever is ready now: who writes row by row gets batches, too.
    setImmediate(() => {
      this.#scheduled = false
      this.#pump()
    })
  }

  #pump(): void {
    if (this.#abort.signal.aborted) return
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    let waitMs = this.#cut()
    for (;;) {
      const { batch, waitMs: soonest } = this.#turns.next()
      if (batch === undefined) {
        waitMs = Math.min(waitMs, soonest)
        break
      }
      this.#begin(batch)
      waitMs = Math.min(waitMs, this.#cut())
    }
    // When what has begun is on its way.
    if (this.#options.driver.prepare !== undefined && this.#turns.running.size > 0) setImmediate(() => this.#prepare())
    if (waitMs !== Infinity) this.#cancelTimer = this.#options.clock.after(Math.max(1, Math.ceil(waitMs)), () => this.#pump())
  }

  /** Cuts what is ready, as much as can be begun: what waits longer may become larger batches. Returns when to look again, in milliseconds. */
  #cut(): number {
    const now = this.#options.clock.now()
    let soonest = Infinity
    for (const lane of this.#lanes.all) {
      for (;;) {
        if (this.#turns.waitingOf(lane) >= 1) break
        const { table } = lane
        const decision = lane.decide({ now, memorySpent: this.usage.full(table) || this.usage.pressesFor(table) })
        if (!decision.cut) {
          soonest = Math.min(soonest, decision.waitMs)
          break
        }
        const from = lane.taken
        const { entries, flushType } = lane.take(decision.take, decision.trigger)
        const token = `${this.#token}/${this.#tokens++}`
        this.#add(lane, entries, { flushType, token, fixed: false, from })
      }
    }
    return soonest
  }

  /** What is next: the server works meanwhile, and would wait for it later. One is enough, and takes its memory twice. */
  #prepare(): void {
    const { batch } = this.#turns.next({ regardless: true })
    if (batch === undefined || batch.isPrepared || this.#turns.running.size === 0) return
    batch.isPrepared = true
    const { table } = batch.lane
    const { statement, id } = this.table(table)
    this.#options.driver.prepare?.({ table, rows: batch.entries.map(({ row }) => row), statement, id })
  }

  #begin(batch: RowBatch): void {
    this.#turns.running.add(batch)
    this.#inserter.breakers.try(batch.lane.table)
    void this.#run(batch).finally(() => {
      this.#turns.running.delete(batch)
      this.usage.wake()
      this.#answerFlushes()
      this.#wake()
    })
  }

  async #run(batch: RowBatch): Promise<void> {
    const { driver, clock } = this.#options
    const { table: name } = batch.lane
    const { tally, token, fixed } = batch
    this.#dropClosed(batch)
    const { entries, helped } = batch
    const done = new Set<Entry>()
    // What comes after inserts is no part of how long they take.
    const began = clock.monotonic() - tally.afterMs
    try {
      const outcome = {
        stored: async (part: readonly Entry[]) => {
          // They are stored, whatever becomes of what comes after.
          const now = clock.now()
          tally.stored += part.length
          this.#unsettled += part.length
          for (const entry of part) {
            tally.waitedMs += Math.max(0, now - entry.at)
            done.add(entry)
          }
          tellStored(part[0]?.at ?? now, { open: this.#turns.open, own: batch })
          const stored = clock.monotonic()
          await this.#after.call({ table: name, rows: part.map(({ row }) => row) })
          tally.afterMs += clock.monotonic() - stored
        },
        rejected: async (rejected: RejectedEntry) => {
          // Of a partition that was taken away nobody is told: whoever has it makes the row again.
          if (!isWanted(rejected.entry)) return
          await this.#handingOver.give(name, rejected)
          this.metrics.rejected++
          tally.rejected++
          this.#unsettled++
          done.add(rejected.entry)
        },
      }
      const table = this.table(name)
      const onTheirWay = { open: this.#turns.open, lanes: this.#lanes.all, table: (of: string) => this.table(of) }
      const mayCome = () => batch.tries < table.retries || mayRowsCome(batch, onTheirWay)
      const mayBeFreed = () => {
        const isKept = mayRowsBeFreed(batch, onTheirWay)
        if (isKept) batch.apartAt = helped
        return isKept
      }
      const insert = driver.insert.bind(driver)
      const inserting = { name, table, token, size: tally.size, fixed, mayCome, mayBeFreed, isWanted, signal: batch.abort.signal, insert }
      const well = entries.length === 0 || (await this.#inserter.run(inserting, entries, outcome))
      this.#end(batch, !well || batch.tries > 0)
      const durationMs = clock.monotonic() - began - tally.afterMs
      this.#lanes.finished(batch.lane, { records: entries.length, durationMs, failed: well ? 0 : 1 })
    } catch (error) {
      this.#tryLater(batch, error, helped)
    } finally {
      this.#unsettled -= done.size
      for (const entry of done) this.#settled(name, entry)
      batch.entries = done.size === batch.entries.length ? [] : batch.entries.filter((entry) => !done.has(entry))
      this.#dropClosed(batch)
    }
  }

  /** Nothing of a batch is to be tried any more. Some of its rows may have been dropped. */
  #end(batch: RowBatch, failed: boolean): void {
    this.#turns.open.delete(batch)
    const { tally, flushType: type, readyAt } = batch
    if (tally.stored + tally.rejected > 0)
      this.metrics.done({ ...tally, type, tookMs: this.#options.clock.monotonic() - readyAt - tally.afterMs, failed })
  }

  #tryLater(batch: RowBatch, error: unknown, helped: number): void {
    const { clock, logger, resolved } = this.#options
    if (this.#abort.signal.aborted) return
    if (batch.abort.signal.aborted) {
      this.#end(batch, true)
      return
    }
    // What its rows refer to may be what other tables still gather.
    const isReferring = error instanceof InsertFailed && error.blame === 'reference'
    if (isReferring) for (const lane of this.#lanes.all) lane.flush('manual')
    batch.tries++
    batch.isStuck = !isReferring
    batch.vainAt = isReferring ? helped : -1
    if (batch.fixed && error instanceof InsertFailed && error.blame === 'unknown') {
      const { retries } = this.table(batch.lane.table)
      if (++batch.doubts > retries) this.#options.onRefusedWhole?.(error)
    }
    this.metrics.retries++
    const delayMs = retryDelay(batch.tries, resolved.retry, Math.random())
    batch.notBefore = clock.monotonic() + delayMs
    logger.warn(
      { err: error, table: batch.lane.table, rows: batch.entries.length, attempt: batch.tries, delayMs },
      error instanceof NotHandedOver ? 'a row that is given up is handed over again' : 'an insert failed and is tried again',
    )
  }

  /** Rows whose partitions were taken away meanwhile. */
  #dropClosed(batch: RowBatch): void {
    if (batch.entries.every(isWanted)) return
    for (const entry of batch.entries) if (!isWanted(entry)) this.usage.giveBack(batch.lane.table, entry)
    batch.entries = batch.entries.filter(isWanted)
  }

  #settled(table: string, entry: Entry): void {
    this.usage.giveBack(table, entry)
    entry.part?.settle(entry.slot)
  }

  #answerFlushes(): void {
    const { troubled } = this
    this.#flushes = this.#flushes.filter(({ until, patient, resolve }) => {
      const done = [...until].every(
        ([lane, row]) => lane.taken >= row && ![...this.#turns.open].some((batch) => batch.lane === lane && batch.from < row),
      )
      if (!done && (patient || !troubled)) return true
      resolve(done)
      return false
    })
  }
}
