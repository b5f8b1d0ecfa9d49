import type { BatchOptions } from './batch-options.ts'
import type { BatchPolicy } from './batch-policy.ts'
import type { BatchTrigger } from './batch-trigger.ts'
import { decideCut } from './cut-decision.ts'
import { MemoryBudget } from './memory-budget.ts'
import { type BatcherBatching, changeBatcher, resolveBatcher, type ResolvedBatcher } from './resolve-batcher.ts'
import { MillraceError } from '../errors/millrace-error.ts'
import { retryDelay } from '../failure/retry-delay.ts'
import type { PartResult } from '../failure/settling-step.ts'
import type { Clock } from '../observe/clock.ts'
import { type Logger, silentLogger } from '../observe/logger.ts'
import { BatchRecordError } from '../process/batch-record-error.ts'
import { followSettling } from '../failure/follow-settling.ts'
import { deferred } from '../internal/deferred.ts'
import { systemClock } from '../observe/system-clock.ts'
import { wrongOptions } from '../internal/wrong-options.ts'
import { failuresIn } from '../process/failures-in.ts'
import { BatchSizer } from './batch-sizer.ts'
import type { Batcher, BatcherOptions, ProcessItems } from './batcher-options.ts'
import { BatcherEvents } from './batcher-events.ts'
import { fitting } from './fitting.ts'
import { BatcherFailed } from './batcher-failed.ts'
import { WaitingItems } from './waiting-items.ts'

/** Where `size` is unlimited, as many items make a batch's worth when it comes to how many may wait. */
const UNLIMITED_SIZE = 10_000

/**
 * A batcher for whatever is to be done in batches: `process` is given items when the policy cuts them, with the retries and the search for items that
 * fail that topologies have. Throws a `TypeError` that lists everything that is wrong with `policy` and `options`.
 *
 * ```ts
 * import { createBatcher } from 'millrace'
 *
 * const batcher = createBatcher<string>({ size: 500, timeoutMs: 200 }, async (lines) => {
 *   await fetch('http://localhost:9428/lines', { method: 'POST', body: lines.join('\n') })
 * })
 * await batcher.append('to be')
 * await batcher.append('or not to be')
 * await batcher.close()
 * ```
 */
export function createBatcher<T>(policy: BatchOptions, process: ProcessItems<T>, options: BatcherOptions<T> = {}): Batcher<T> {
  return new ItemBatcher(policy, process, options)
}

/** A batch that is due, or for how long there is none, in milliseconds. */
type Due = { readonly take: number; readonly trigger: BatchTrigger } | number

interface Flush {
  readonly to: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

class ItemBatcher<T> implements Batcher<T> {
  readonly #process: ProcessItems<T>
  readonly #options: BatcherOptions<T>
  readonly #settings: Pick<ResolvedBatcher, 'failure' | 'maxInFlightBatches'>
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #events: BatcherEvents
  readonly #items: WaitingItems<T>
  readonly #sizer: BatchSizer
  readonly #policy: { current: BatchPolicy }
  #batching: BatcherBatching
  /** Items that are processed, or were given up. */
  #settled = 0
  /** What the batch under way has waited for retries. */
  #waitedMs = 0
  #running = false
  #closed = false
  #failed: BatcherFailed<T> | undefined
  readonly #forgetMemory: () => void
  #cancelTimer: () => void = () => undefined
  /** When the timer fires, by the clock that tells the time. */
  #timerAt: number | undefined
  #cancelWait: () => void = () => undefined
  #flushes: Flush[] = []
  #roomWaiters: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = []

  constructor(policy: BatchOptions, process: ProcessItems<T>, options: BatcherOptions<T>) {
    const { name = 'batcher' } = options
    const settings = orThrow(name, resolveBatcher(policy, options))
    if (typeof process !== 'function') throw new TypeError(`The batcher '${name}' needs a function that takes an array of items.`)
    this.#settings = settings
    this.#process = process
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#logger = options.logger ?? silentLogger
    this.#events = new BatcherEvents(name, options.observer, this.#logger)
    const memory = options.memory ?? new MemoryBudget(Infinity)
    this.#items = new WaitingItems(options.sizeOf ?? (() => 0), memory)
    this.#forgetMemory = memory.onChange(() => {
      this.#wakeRoom()
      this.#kick()
    })
    this.#batching = settings.batching
    this.#policy = { current: settings.batching.policy }
    this.#sizer = new BatchSizer(this.#policy)
  }

  get waiting(): number {
    return this.#items.appended - this.#settled
  }

  append(item: T): Promise<void> {
    const { promise, resolve, reject } = deferred<void>()
    try {
      this.#take(item)
    } catch (error) {
      // Nothing else tells of an item that was not taken: who does not listen is ended by it.
      reject(error)
      return promise
    }
    if (!this.#full) {
      resolve()
      return promise
    }
    // The item was taken: who does not wait for room hears of a failure from flush or close, and is not ended by it.
    promise.catch(() => undefined)
    this.#roomWaiters.push({ resolve, reject })
    // What there is may be waiting for company, and nobody else will come.
    this.#kick()
    return promise
  }

  #take(item: T): void {
    if (this.#failed !== undefined) throw this.#failed
    if (this.#closed) throw closed(this.#events.name)
    const now = this.#clock.now()
    this.#items.append(item, now)
    this.#sizer.arrived(1, now)
    this.#kick()
  }

  flush(): Promise<void> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed)
    const to = this.#items.appended
    if (to <= this.#settled) return Promise.resolve()
    const { promise, resolve, reject } = deferred<void>()
    this.#flushes.push({ to, resolve: () => resolve(undefined), reject })
    this.#kick()
    return promise
  }

  async close(): Promise<void> {
    this.#closed = true
    try {
      await this.flush()
    } finally {
      this.#forgetMemory()
      this.#stopTimer()
      // The room that others may make is of no use to who waits here: his item is processed, or he has heard of the failure.
      for (const { resolve } of this.#roomWaiters.splice(0)) resolve()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  updateBatching(change: BatchOptions): void {
    this.#batching = orThrow(this.#events.name, changeBatcher(this.#batching, change))
    const { policy } = this.#batching
    this.#policy.current = policy
    this.#events.batching(change, policy)
    this.#kick()
    this.#wakeRoom()
  }

  /** Whether as much waits as may. */
  get #full(): boolean {
    const { maxInFlightBatches } = this.#settings
    const { size, maxMemoryBytes } = this.#sizer.limits
    const most = maxInFlightBatches * Math.min(size, UNLIMITED_SIZE)
    return this.waiting >= most || this.#items.memoryBytes >= maxInFlightBatches * maxMemoryBytes || this.#items.memorySpent
  }

  /** Something changed: a batch may be due. */
  #kick(): void {
    if (this.#running || this.#failed !== undefined) return
    const next = this.#next()
    if (typeof next === 'number') {
      this.#lookAgainIn(next)
      return
    }
    this.#stopTimer()
    this.#running = true
    void this.#work(next)
  }

  #lookAgainIn(waitMs: number): void {
    const at = this.#clock.now() + waitMs
    // With most items nothing changes: a timer for each would cost more than all the rest.
    if (at === this.#timerAt) return
    this.#stopTimer()
    if (at === Infinity) return
    this.#timerAt = at
    this.#cancelTimer = this.#clock.after(waitMs, () => {
      this.#timerAt = undefined
      this.#kick()
    })
  }

  #stopTimer(): void {
    this.#cancelTimer()
    this.#timerAt = undefined
  }

  /** The batch that is due, or for how long there is none, in milliseconds. */
  #next(): Due {
    const items = this.#items
    if (items.length === 0) return Infinity
    const { limits } = this.#sizer
    const decision = decideCut(limits, {
      records: items.length,
      bytes: items.bytes,
      memoryBytes: items.memoryBytes,
      ...fitting(items, limits),
      firstArrivedAt: items.firstArrivedAt,
      now: this.#clock.now(),
      finishing: this.#flushes.length > 0 ? 'drain' : undefined,
      // Who waits for room, while what is there waits for company, would wait for ever.
      memorySpent: items.memorySpent || this.#roomWaiters.length > 0,
    })
    return decision.cut ? decision : decision.waitMs
  }

  async #work(first: Due): Promise<void> {
    let next: Due = first
    try {
      while (typeof next !== 'number') {
        await this.#batch(next.take, next.trigger)
        next = this.#next()
      }
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#running = false
    this.#kick()
  }

  async #batch(take: number, trigger: BatchTrigger): Promise<void> {
    const items = this.#items
    const began = this.#clock.monotonic()
    const bytes = items.bytesOf(take)
    const batch = items.first(take)
    const about = { records: take, bytes, trigger }
    this.#events.cut({ ...about, ageMs: this.#clock.now() - items.firstArrivedAt })
    this.#waitedMs = 0
    const failed = await this.#settle(batch, trigger)
    items.drop(take)
    this.#settled += take
    const durationMs = this.#clock.monotonic() - began
    this.#events.batch({ ...about, durationMs })
    this.#sizer.finished({ records: take, durationMs: durationMs - this.#waitedMs, failed, waiting: items.length })
    this.#wakeRoom()
    const done = this.#flushes.filter(({ to }) => to <= this.#settled)
    this.#flushes = this.#flushes.filter(({ to }) => to > this.#settled)
    for (const { resolve } of done) resolve()
  }

  /** Processes a batch until each item is done or given up; resolves to how many were part of an attempt that failed. */
  async #settle(batch: readonly T[], trigger: BatchTrigger): Promise<number> {
    const { failure } = this.#settings
    const first = await this.#run(batch, trigger, failure.acknowledgement === 'best-effort')
    if (first.ok) return 0
    let done = 0
    return followSettling({ count: batch.length, failure, maxRetries: this.#policy.current.maxRetries }, first, {
      run: (rows, keep) => this.#runRows(batch, rows, { trigger, keep }),
      wait: (retry, error) => this.#waitForRetry({ retry, error, records: batch.length - done }),
      giveUp: (row, error, attempts) => this.#giveUp({ item: batch[row] as T, sequence: this.#settled + row, error, attempts }),
      commitPrefix: (rows) => {
        done = rows
      },
    })
  }

  async #runRows(batch: readonly T[], rows: readonly number[], how: { trigger: BatchTrigger; keep: boolean }): Promise<PartResult> {
    const part = rows.map((row) => batch[row] as T)
    const result = await this.#run(part, how.trigger, how.keep)
    if (result.ok) return result
    if ('at' in result) return { ...result, at: rows[result.at] as number }
    if ('failed' in result) return { ...result, failed: result.failed.map(({ row, error }) => ({ row: rows[row] as number, error })) }
    return result
  }

  async #run(items: readonly T[], trigger: BatchTrigger, keep: boolean): Promise<PartResult> {
    try {
      const outcome = await this.#process(items, { trigger })
      const failures = outcome === undefined ? [] : failuresIn(outcome, items.length)
      if (failures.length === 0) return { ok: true }
      return { ok: false, failed: failures.map(({ index, error }) => ({ row: index, error })), kept: keep }
    } catch (error) {
      const named = error instanceof BatchRecordError && Number.isInteger(error.index) && error.index >= 0 && error.index < items.length
      return named ? { ok: false, at: error.index, error: error.cause } : { ok: false, error }
    }
  }

  async #waitForRetry(about: { readonly retry: number; readonly error: unknown; readonly records: number }): Promise<void> {
    const delayMs = retryDelay(about.retry, this.#settings.failure.retry, Math.random())
    this.#events.retry({ ...about, delayMs })
    const from = this.#clock.monotonic()
    await new Promise<void>((resolve) => {
      this.#cancelWait = this.#clock.after(delayMs, resolve)
    })
    this.#waitedMs += this.#clock.monotonic() - from
  }

  async #giveUp(failed: { item: T; sequence: number; error: unknown; attempts: number }): Promise<void> {
    const decided = (await this.#options.giveUp?.(failed)) ?? 'fail'
    if (decided === 'fail') throw failed.error
    if (decided !== 'skip')
      throw new TypeError(`giveUp of batcher '${this.#events.name}' returned ${String(decided)}; return 'fail' or 'skip'.`)
    this.#events.skipped(failed)
  }

  #fail(error: unknown): void {
    this.#cancelWait()
    // Before the memory is given back: that is no room for who waits here.
    this.#forgetMemory()
    this.#failed = new BatcherFailed(this.#events.name, error, this.#items.first(this.#items.length))
    this.#items.clear()
    const waiters = [...this.#flushes.splice(0), ...this.#roomWaiters.splice(0)]
    for (const { reject } of waiters) reject(this.#failed)
    this.#logger.error({ err: error, batcher: this.#events.name }, 'a batcher failed')
  }

  #wakeRoom(): void {
    if (this.#full) return
    for (const { resolve } of this.#roomWaiters.splice(0)) resolve()
  }
}

/** What was found good, or everything that is wrong. */
type Checked<T> = { readonly _tag: 'Left'; readonly left: readonly string[] } | { readonly _tag: 'Right'; readonly right: T }

function orThrow<T>(name: string, result: Checked<T>): T {
  if (result._tag === 'Right') return result.right
  throw wrongOptions(`The batcher '${name}' can't be as it is asked to`, result.left)
}

function closed(name: string): MillraceError {
  return new MillraceError('BATCHER_CLOSED', `The batcher '${name}' is closed: it takes nothing more.`, { stage: 'batch' })
}
