import {
  type CircuitState,
  type CommitUrgency,
  type OffsetCommit,
  type OpenOutsideSink,
  partitionKey,
  type RecordBatch,
  retryDelay,
  type StagedRecord,
  type StartingPartition,
  type TopicPartition,
  unlessAborted,
} from '@millrace/core'
import type { ResolvedSettings, SinkSettings, StoredRows } from '../config/sink-options.ts'
import { changeSettings } from '../config/resolve-sink.ts'
import type { ClaimedPartition, SinkTransaction, StoredOffset } from '../driver/driver.ts'
import { InsertFailed } from '../driver/insert-failed.ts'
import { type Entry, type FlushType, flushTypeOf } from '../insert/entry.ts'
import { HandingOver, NotHandedOver } from '../insert/handing-over.ts'
import { Inserter } from '../insert/inserter.ts'
import { AfterInsert } from '../insert/after-insert.ts'
import { Lanes } from '../insert/lanes.ts'
import { limitedSignal } from '../insert/limited-signal.ts'
import { PartitionProgress } from '../insert/partition-progress.ts'
import { Usage } from '../insert/usage.ts'
import { SinkMetrics, type SinkMetricsReport } from '../metrics/sink-metrics.ts'
import { refusePunctuated } from './refuse-punctuated.ts'
import { TransactionSizes } from './transaction-sizes.ts'
import { insertTaken } from './insert-taken.ts'
import { lockParts } from './lock-parts.ts'
import { type StagedRow, stageRows } from './staged-rows.ts'
import { type Move, movesOf, startOf, type StoredPart } from './stored-parts.ts'
import { cutsFor, onlyOf, type TakenRows, takeRows } from './taken-rows.ts'
import type { TransactionalRowsOptions } from './transactional-options.ts'
import { untilAborted } from './until-aborted.ts'
import { untilAnswered } from './until-answered.ts'

/** Of all rows: each table has one lane, so that its rows keep the order of offsets. */
const PRIORITY = 1

type IsStored = (entry: Entry) => boolean

/**
 * Rows and offsets in one transaction of the database, for all tables and partitions together, whenever the strategy of one table says so, or somebody waits
 * for a commit. Whoever gets a partition next makes transactions of its former owner store nothing of it. A claim may come late, though, and shut out who has
 * the partition by now: he makes sure that the group counts him in, by a commit, and claims it again.
 */
export class TransactionalRows<K, V> implements OpenOutsideSink<K, V> {
  readonly name: string
  readonly #options: TransactionalRowsOptions<K, V>
  readonly #parts = new Map<string, StoredPart>()
  readonly #abort = new AbortController()
  readonly #metrics: SinkMetrics
  readonly #usage: Usage
  readonly #lanes: Lanes
  readonly #inserter: Inserter
  readonly #after: AfterInsert
  readonly #handingOver: HandingOver
  readonly #sizes: TransactionSizes
  #given: SinkSettings
  #settings: ResolvedSettings
  /** Rows that were taken for a transaction, until one with them is committed. */
  #taken: TakenRows[] = []
  #running: Promise<void> | undefined
  #cancelTimer: (() => void) | undefined
  #wanted: FlushType | undefined
  #tries = 0
  readonly #referring = { tries: 0 }
  #scheduled = false

  constructor(options: TransactionalRowsOptions<K, V>) {
    const { resolved, clock } = options
    this.name = options.owner.node
    this.#options = options
    this.#given = resolved.given
    this.#settings = resolved.settings
    this.#metrics = new SinkMetrics(clock)
    this.#usage = new Usage(() => this.#settings)
    this.#lanes = new Lanes(() => this.#settings)
    this.#sizes = new TransactionSizes(this.#lanes)
    this.#inserter = new Inserter({
      ...options,
      metrics: this.#metrics,
      retry: resolved.retry,
      circuitBreaker: resolved.circuitBreaker,
      insertTimeoutMs: () => this.#settings.insertTimeoutMs,
      directFallback: () => this.#settings.directFallback,
      signal: this.#abort.signal,
    })
    const limitMs = () => this.#settings.insertTimeoutMs
    this.#after = new AfterInsert({ ...options, metrics: this.#metrics, limitMs })
    this.#handingOver = new HandingOver({ ...options, limitMs })
  }

  get circuits(): ReadonlyMap<string, CircuitState> {
    return this.#inserter.breakers.open
  }

  report(): SinkMetricsReport {
    const openCircuits = [...this.circuits.keys()]
    return this.#metrics.report({
      ...{ enabled: this.#settings.enabled, queuedItems: this.#usage.rows, memoryBytes: this.#usage.bytes, openCircuits },
    })
  }

  update(change: SinkSettings): void {
    const { given, settings } = changeSettings(this.#given, change)
    this.#given = given
    this.#settings = settings
    this.#lanes.update()
    this.#usage.wake()
    this.#wake()
  }

  async assign(partitions: readonly StartingPartition[], signal: AbortSignal): Promise<void> {
    // What was begun for an owner of before must have ended.
    await unlessAborted(this.#running ?? Promise.resolve(), signal)
    const claimed = await this.#claim(partitions, signal)
    signal.throwIfAborted()
    for (const starting of partitions) {
      const key = partitionKey(starting.topic, starting.partition)
      const stored = startOf(this.name, starting, claimed.get(key))
      const part = new PartitionProgress(starting.topic, starting.partition, starting.offset)
      this.#parts.set(key, { part, topicId: starting.topicId, stored, reached: starting.offset, claim: 'ours' })
    }
  }

  async #claim(partitions: readonly ClaimedPartition[], signal: AbortSignal): Promise<ReadonlyMap<string, StoredOffset>> {
    const { transactions, owner, resolved } = this.#options
    const asking = { ...this.#options, retry: resolved.retry, node: this.name }
    const ended = AbortSignal.any([signal, this.#abort.signal])
    const claimed = await untilAnswered(() => transactions.claim(owner, partitions, ended), asking, ended)
    return new Map(claimed.map((at) => [partitionKey(at.topic, at.partition), at]))
  }

  revoke(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      const key = partitionKey(topic, partition)
      const found = this.#parts.get(key)
      if (found === undefined) continue
      found.part.closed = true
      this.#parts.delete(key)
      for (const lane of this.#lanes.all)
        for (const entry of lane.dropWhere(({ part }) => part === found.part)) this.#usage.giveBack(lane.table, entry)
    }
    // The next one lets go of what was taken.
    if (this.#taken.length > 0) this.#wanted ??= 'manual'
    this.#wake()
    this.#usage.wake()
  }

  stage(batch: RecordBatch<K, V>): readonly unknown[] {
    return stageRows(batch, this.#options.rows, (name) => this.#lanes.table(name))
  }

  accept(records: readonly StagedRecord[]): void {
    const at = this.#options.clock.now()
    for (const record of records) {
      const known = this.#parts.get(partitionKey(record.topic, record.partition))
      if (known === undefined) continue
      const { offset, timestamp } = record
      refusePunctuated(this.name, offset)
      const staged = record.staged as readonly StagedRow[]
      // It was stored before, and the log's offset was not committed after it.
      const isStored = offset >= 0 && offset < known.stored
      known.reached = Math.max(known.reached, offset + 1)
      if (isStored || staged.length === 0) continue
      const slot = known.part.stage(offset, staged.length)
      for (const { table, row, bytes } of staged) {
        const entry: Entry = { row, bytes, part: known.part, slot, at, offset, timestamp, place: 0 }
        this.#lanes.of(table, PRIORITY).append(entry, at)
        this.#usage.take(table, entry)
      }
    }
    this.#wake()
  }

  async prepare(offsets: readonly OffsetCommit[], urgency: CommitUrgency): Promise<readonly OffsetCommit[]> {
    let isBehind = false
    for (const { topic, partition, offset } of offsets) {
      const known = this.#parts.get(partitionKey(topic, partition))
      if (known === undefined) continue
      // The commit before this one was let pass.
      if (known.claim === 'proving') this.#reclaim(known)
      known.reached = Math.max(known.reached, offset)
      // Of records without rows nothing would be stored.
      if (known.part.lowest === undefined && known.stored < known.reached) isBehind = true
    }
    if (urgency.flush || isBehind) this.#wanted ??= urgency.flush ? flushTypeOf(urgency) : 'manual'
    this.#wake()
    if (urgency.flush) await untilAborted(this.#stored(offsets), urgency.signal)
    return offsets.map((wanted) => {
      const known = this.#parts.get(partitionKey(wanted.topic, wanted.partition))
      if (known === undefined) return wanted
      if (known.claim === 'lost') known.claim = 'proving'
      return { ...wanted, offset: Math.min(wanted.offset, known.stored) }
    })
  }

  /** Makes a partition ours again that somebody claimed too late. */
  #reclaim(known: StoredPart): void {
    known.claim = 'proven'
    const { logger } = this.#options
    const { topic, partition } = known.part
    const claiming = this.#claim([{ topic, partition, topicId: known.topicId }], this.#abort.signal)
    claiming.then(
      (claimed) => {
        const found = claimed.get(partitionKey(topic, partition))
        known.stored = Math.max(known.stored, found?.offset ?? 0)
        known.claim = 'ours'
        this.#wanted ??= 'manual'
        this.#wake()
      },
      (error: unknown) => {
        known.claim = 'lost'
        logger.warn({ err: error, topic, partition, node: this.name }, 'a partition could not be claimed again')
      },
    )
  }

  full(partitions: readonly TopicPartition[]): boolean {
    return this.#usage.fullFor(this.#partsOf(partitions))
  }

  room(partitions: readonly TopicPartition[]): Promise<void> {
    return this.#usage.roomFor(this.#partsOf(partitions))
  }

  #partsOf(partitions: readonly TopicPartition[]): PartitionProgress[] {
    return partitions.flatMap(({ topic, partition }) => this.#parts.get(partitionKey(topic, partition))?.part ?? [])
  }

  async close(): Promise<void> {
    this.#abort.abort(new InsertFailed('', 'server', new Error('the sink is closed')))
    this.#cancelTimer?.()
    this.#usage.end()
    await this.#running
    await this.#options.driver.close()
  }

  /** Until these are stored, nothing more is under way for them, or the server is in trouble. */
  async #stored(offsets: readonly OffsetCommit[]): Promise<void> {
    const isMissing = ({ topic, partition, offset }: OffsetCommit) => {
      const known = this.#parts.get(partitionKey(topic, partition))
      return known !== undefined && known.claim === 'ours' && known.stored < offset
    }
    while ((this.#running !== undefined || this.#wanted !== undefined) && offsets.some(isMissing) && !this.#abort.signal.aborted) {
      await (this.#running ?? Promise.resolve())
      if (this.#tries > 0) return
    }
  }

  #wake(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#pump()
    })
  }

  #pump(): void {
    if (this.#abort.signal.aborted || this.#running !== undefined || this.#tries > 0) return
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    const { type, waitMs } = this.#due()
    if (type !== undefined) this.#begin(type)
    else if (waitMs !== Infinity) this.#cancelTimer = this.#options.clock.after(Math.max(1, waitMs), () => this.#pump())
  }

  /** Why it is time for a transaction; or how long there is none to make. */
  #due(): { readonly type: FlushType | undefined; readonly waitMs: number } {
    const now = this.#options.clock.now()
    let waitMs = Infinity
    for (const lane of this.#lanes.all) {
      const decision = lane.decide({ now, memorySpent: this.#usage.full(lane.table) })
      if (decision.cut) return { type: lane.typeOf(decision.trigger), waitMs: 0 }
      waitMs = Math.min(waitMs, decision.waitMs)
    }
    return { type: this.#wanted, waitMs }
  }

  #begin(type: FlushType): void {
    this.#wanted = undefined
    this.#inserter.breakers.try()
    this.#running = this.#transaction(type)
      .then(
        () => {
          this.#tries = 0
        },
        (error: unknown) => this.#tryLater(error, type),
      )
      .finally(() => {
        this.#running = undefined
        this.#usage.wake()
        this.#wake()
      })
  }

  #tryLater(error: unknown, type: FlushType): void {
    const { clock, logger, resolved } = this.#options
    if (this.#abort.signal.aborted) return
    this.#tries++
    this.#metrics.retries++
    const { breakers } = this.#inserter
    // What is not the failure of one insert is that of all tables.
    const isOfOne = error instanceof NotHandedOver || (error instanceof InsertFailed && error.table !== '')
    if (!isOfOne) for (const { table } of this.#taken) breakers.failed(table)
    const delayMs = Math.max(retryDelay(this.#tries, resolved.retry, Math.random()), breakers.waitMs())
    logger.warn({ err: error, attempt: this.#tries, delayMs, node: this.name }, 'a transaction failed and is tried again')
    this.#cancelTimer = clock.after(delayMs, () => {
      if (this.#running === undefined && !this.#abort.signal.aborted) this.#begin(type)
    })
  }

  async #transaction(type: FlushType): Promise<void> {
    const { clock, transactions, owner } = this.#options
    const began = clock.monotonic()
    for (const lane of this.#lanes.all) this.#taken = takeRows(this.#taken, lane)
    const ours = onlyOf(this.#taken, this.#parts.values())
    // Before anything is waited for: what comes meanwhile is not among the rows.
    // More after each that failed for rows that are not there: they may be among those that were cut off.
    const cuts = cutsFor(ours, this.#sizes.of(ours) * 2 ** this.#referring.tries)
    const moves = movesOf(this.#parts.values(), cuts)
    let isStored: IsStored = () => false
    const late = () => new InsertFailed('', 'size', new Error('a transaction took too long (insertTimeoutMs)'))
    const { signal, end } = limitedSignal([this.#abort.signal], { clock, limitMs: this.#settings.insertTimeoutMs, late })
    try {
      if (moves.length > 0) {
        const transaction = await transactions.begin(owner, signal)
        try {
          isStored = await this.#store(transaction, moves)
        } catch (error) {
          await transaction.rollback()
          throw error
        }
      }
    } catch (error) {
      if (signal.aborted || (error instanceof InsertFailed && error.blame === 'size')) this.#sizes.tooMany(ours)
      throw error
    } finally {
      end()
    }
    const tookMs = clock.monotonic() - began
    this.#sizes.wentWell(ours, cuts, tookMs)
    await this.#done(isStored, type, tookMs)
    if (cuts.size > 0) this.#wanted ??= type
  }

  /** Resolves to which rows are stored by now, whoever has their partitions. */
  async #store(transaction: SinkTransaction, moves: readonly Move[]): Promise<IsStored> {
    const { logger } = this.#options
    const parts = moves.map(({ part }) => part)
    await lockParts(transaction, parts, { logger, node: this.name })
    const going = moves.filter(({ part, offset }) => !part.part.closed && part.claim === 'ours' && offset > part.stored)
    const ends = new Map(going.map(({ part, offset }) => [part.part, offset]))
    const starts = new Map(going.map(({ part }) => [part.part, part.stored]))
    const isGoing: IsStored = ({ part, offset }) =>
      part !== undefined && offset < (ends.get(part) ?? -1) && offset >= (starts.get(part) ?? Infinity)
    const table = (name: string) => this.#lanes.table(name)
    const metrics = this.#metrics
    const onRejected = this.#handingOver.give.bind(this.#handingOver)
    const how = { transaction, inserter: this.#inserter, table, isGoing, onRejected, metrics, referring: this.#referring }
    await insertTaken(this.#taken, how)
    await transaction.moveOffsets(going)
    await transaction.commit()
    for (const { part, offset } of going) part.stored = offset
    return isGoing
  }

  /** Lets go of what is stored by now, and of what is not wanted any more. */
  async #done(isStored: IsStored, type: FlushType, tookMs: number): Promise<void> {
    const { clock } = this.#options
    const storedOf = new Map([...this.#parts.values()].map(({ part, stored }) => [part, stored]))
    // What an earlier transaction stored, whose answer was lost, is among them.
    const isDone: IsStored = (entry) => isStored(entry) || (entry.part !== undefined && entry.offset < (storedOf.get(entry.part) ?? 0))
    const left: TakenRows[] = []
    const now = clock.now()
    const calls: StoredRows[] = []
    for (const { table, entries, refused } of this.#taken) {
      const done = entries.filter(isDone)
      const rest = entries.filter((entry) => entry.part?.closed !== true && !isDone(entry))
      for (const entry of entries) if (entry.part?.closed === true || isDone(entry)) this.#settle(table, entry)
      if (rest.length > 0) left.push({ table, entries: rest, refused })
      const stored = done.filter((entry) => !refused.has(entry))
      const waitedMs = stored.reduce((sum, { at }) => sum + Math.max(0, now - at), 0)
      if (done.length > 0) this.#metrics.done({ size: done.length, stored: stored.length, type, tookMs, failed: this.#tries > 0, waitedMs })
      calls.push({ table, rows: stored.map(({ row }) => row) })
    }
    this.#taken = left
    for (const stored of calls) await this.#after.call(stored)
  }

  #settle(table: string, entry: Entry): void {
    this.#usage.giveBack(table, entry)
    entry.part?.settle(entry.slot)
  }
}
